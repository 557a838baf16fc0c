"""What may sound while it is unsure what an answer is to; the test keeps the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from services.domain.errors import ProviderError
from services.domain.replies import SentenceReady, TextDelta
from services.lifecycle import Supervisor
from services.voice.call_events import CallEvent
from services.voice.mouth import CallOver, Mouth, Speaker
from services.voice.speaking.speech_sink import SpeakingSettings, SpeechSink
from services.voice.speaking.spoken_clause import SpokenClause
from services.voice.synthesis import Voice
from tests.fakes.clock import ManualClock
from tests.fakes.voice_engines import FakeSpeech

MIRA = Speaker(name="Mira", voice=Voice())


class Quiet:
    """Watches and does nothing."""

    def sound_began(self, at: float, speaker: Speaker, /, *, first: bool) -> None:
        pass

    def sound_ceased(self, at: float, /) -> None:
        pass

    def answer_ended(self, at: float, /) -> None:
        pass

    def clause_began(self, clause: SpokenClause, /, *, at: float) -> None:
        pass

    def speech_failed(self, error: ProviderError, /) -> None:
        raise error


@asynccontextmanager
async def opened() -> AsyncIterator[Mouth]:
    events: list[CallEvent] = []
    async with Supervisor() as supervisor:
        yield Mouth(
            FakeSpeech(),
            clock=ManualClock(),
            supervisor=supervisor,
            watcher=Quiet(),
            on_event=events.append,
            settings=SpeakingSettings(),
        )


async def say(sink: SpeechSink) -> None:
    await sink.emit(TextDelta(text="Hello there."))
    await sink.emit(SentenceReady(index=1, text="Hello there.", speech_text="Hello there."))
    await asyncio.sleep(0.05)


def sounds(mouth: Mouth) -> bool:
    """Let three blocks be read, and say whether the last sounds."""
    blocks = [mouth.mixer.read() for _ in range(3)]
    return blocks[-1] is not None and bool(np.any(np.frombuffer(blocks[-1], "<i2")))


async def test_an_answer_to_what_is_unsure_waits_and_anything_else_does_not():
    async with opened() as mouth:
        mouth.suspend()
        async with mouth.speaking(MIRA, to="Ann") as sink:
            await say(sink)
            assert not sounds(mouth)
            mouth.release()
            assert sounds(mouth)
            mouth.suspend()
            assert not sounds(mouth)
        async with mouth.speaking(MIRA, reading=True) as sink:
            await say(sink)
            assert sounds(mouth)


async def test_an_answer_that_is_void_never_sounds_whatever_is_ordered():
    async with opened() as mouth:
        mouth.suspend()
        async with mouth.speaking(MIRA, to="Ann") as sink:
            await say(sink)
            mouth.void("Bob")
            mouth.void("Ann")
            mouth.release()
            assert not sounds(mouth)
            mouth.hold()
            mouth.resume()
            assert not sounds(mouth)
        async with mouth.speaking(MIRA, to="Ann") as sink:
            await say(sink)
            assert sounds(mouth)


async def test_what_was_stopped_is_not_let_go_by_what_becomes_sure():
    async with opened() as mouth, mouth.speaking(MIRA, to="Ann") as sink:
        await say(sink)
        assert sounds(mouth)
        mouth.hold()
        mouth.suspend()
        mouth.release()
        assert not sounds(mouth)
        mouth.suspend()
        mouth.resume()
        assert not sounds(mouth)
        mouth.release()
        assert sounds(mouth)


async def test_after_leaving_nobody_speaks_and_a_reading_ends():
    async with opened() as mouth:
        async with mouth.speaking(MIRA, reading=True) as sink:
            await say(sink)
            await mouth.close()
            async with asyncio.timeout(5):
                await sink.drain()
        with pytest.raises(CallOver):
            async with mouth.speaking(MIRA):
                pass
