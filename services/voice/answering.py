"""What the bot says in a call, turn by turn: who waits for whom before it sounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from services.conversation.sentences import SentenceSplitter
from services.conversation.speech_text import to_speech
from services.domain.clock import Clock
from services.domain.replies import (
    DrainingSink,
    InterruptReason,
    ReplySink,
    SentenceReady,
    TextDelta,
    TurnBrief,
    TurnKind,
)
from services.voice.certain_sinks import Attempt, PatientSink
from services.voice.exchanges import Exchanges
from services.voice.late_sink import LateSink
from services.voice.mouth import Mouth, Speaker
from services.voice.synthesis import Voice
from services.voice.turns.floor import Floor

QUIET_SECONDS = 0.7
"""How long nobody has spoken before the bot says something unasked."""

LONGEST_WAIT = 15.0
"""How long something unasked waits for that before it is said nevertheless."""

_LOOK_SECONDS = 0.02


class Answering:
    """Speaks turns of the conversation, and texts as they are, one after the other."""

    def __init__(
        self,
        *,
        mouth: Mouth,
        exchanges: Exchanges,
        floor: Floor,
        clock: Clock,
        speaker_of: Callable[[TurnBrief], Awaitable[Speaker]],
        narrator: Callable[[], Awaitable[Speaker]],
    ) -> None:
        self._mouth = mouth
        self._exchanges = exchanges
        self._floor = floor
        self._clock = clock
        self._speaker_of = speaker_of
        self._narrator = narrator
        self._waiting = 0
        self._closed = False

    def close(self) -> None:
        """Let nobody wait for quiet any more."""
        self._closed = True

    def drop_waiting(self) -> bool:
        """Give up what waits for quiet; ``False`` when nothing does."""
        return self._waiting > 0 and self._exchanges.stop(InterruptReason.USER_STOP)

    def attempt(self, turn: TurnBrief, /) -> Attempt | None:
        """Return what a turn is an attempt at, if it answers what was said in the call."""
        exchange = self._exchanges.behind(turn)
        return None if exchange is None else exchange.attempt

    async def read(self, text: str, *, voice: Voice | None, uninterruptible: bool) -> None:
        """Read a text aloud; returns when it was heard. Raises ``CallOver``."""
        speaker = replace(await self._narrator(), uninterruptible=uninterruptible)
        if voice is not None:
            speaker = replace(speaker, voice=voice)
        async with self._mouth.speaking(speaker, reading=True) as sink:
            splitter = SentenceSplitter()
            await sink.emit(TextDelta(text=text))
            sentences = [one for one in (*splitter.feed(text), *splitter.flush()) if one.strip()]
            for index, sentence in enumerate(sentences, start=1):
                written = sentence.strip()
                await sink.emit(
                    SentenceReady(index=index, text=written, speech_text=to_speech(written))
                )
            await sink.drain()

    @asynccontextmanager
    async def answering(self, turn: TurnBrief, /) -> AsyncIterator[ReplySink]:
        """Speak one turn of the conversation for as long as entered.

        Entering waits for nothing: the first event does, so that what waits can be interrupted.
        """
        exchange = self._exchanges.behind(turn)
        async with AsyncExitStack() as stack:

            async def voice() -> DrainingSink:
                if exchange is None:
                    await stack.enter_async_context(self._floor_for(turn))
                speaker = replace(await self._speaker_of(turn), turn=turn.turn)
                return await stack.enter_async_context(self._mouth.speaking(speaker, to=exchange))

            sink = LateSink(voice)
            yield sink if exchange is None else PatientSink(sink, exchange.attempt)

    @asynccontextmanager
    async def _floor_for(self, turn: TurnBrief) -> AsyncIterator[None]:
        """Wait for quiet before what nobody in the call asked for.

        Not for the floor: the answer to whoever has that comes after this turn.
        """
        took = await self._take_floor(turn)
        try:
            yield
        finally:
            if took:
                self._exchanges.give_floor()

    async def _take_floor(self, turn: TurnBrief) -> bool:
        now = self._clock.monotonic()
        due = now + LONGEST_WAIT
        quiet = QUIET_SECONDS if turn.kind is TurnKind.INITIATIVE else 0.0
        self._waiting += 1
        try:
            while now < due and not self._closed and not self._floor.taken:
                if self._floor.clear(now, quiet=quiet):
                    return self._floor.take()
                await asyncio.sleep(_LOOK_SECONDS)
                now = self._clock.monotonic()
        finally:
            self._waiting -= 1
        return False
