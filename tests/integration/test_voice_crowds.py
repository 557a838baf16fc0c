"""Calls that people fill: 25 at once, and somebody who never stops."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
import tracemalloc

import pytest

from services.domain.ids import AuthorId
from services.domain.people import Author
from services.voice.call_events import AnswerBegun, AnswerEnded, Troubled, TurnLost, TurnTaken
from services.voice.engines.registry import build_probability
from services.voice.listening.events import TurnDecided
from services.voice.listening.samples import BYTES_PER_SECOND
from services.voice.listening.wake import WakeRule
from tests.bench.bench_voice import words
from tests.bench.voice_corpus_texts import COMPLETE
from tests.fakes.live_call import live_call
from tests.fakes.real_voice import clip_of, real_ears, real_speech
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.speech import VOCABULARY, spoken
from tests.fakes.voice_call import voice_call
from tests.fakes.voice_engines import FakeSpeech

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CROWD = 25
MINUTES = 2
CAP_SECONDS = 30.0


def guest(number: int) -> Author:
    return Author(id=AuthorId("test", f"guest{number}"), display_name=f"Guest {number}")


def once_each(text: str) -> str:
    """Return the words without those a gap on a busy machine has doubled."""
    return " ".join(word for word, _ in itertools.groupby(text.split()))


async def test_two_minutes_without_a_pause_are_turns_of_30_s_and_memory_stays_as_it_is():
    spelled = [VOCABULARY[place % len(VOCABULARY)] for place in range(round(MINUTES * 60 / 0.24))]
    minute = len(spelled) // MINUTES
    async with voice_call() as call:
        await call.talk(ann=spoken(*spelled[:minute]))
        rest = spoken(*spelled[minute:])
        call.on_step = lambda _: call.recogniser.clips.clear()
        tracemalloc.start()
        try:
            await call.talk(ann=rest)
            after, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await call.wait(2.0)
        turns = call.of(TurnDecided)
        assert len(turns) == MINUTES * 60 // CAP_SECONDS
        assert all(turn.ended_at - turn.started_at <= CAP_SECONDS + 0.1 for turn in turns)
        assert " ".join(call.decided()).split() == spelled
        assert call.listener.dropped == 0
    sound = CAP_SECONDS * BYTES_PER_SECOND
    assert most < 6 * sound
    assert after < 2 * sound


async def test_25_people_who_talk_at_once_are_all_understood_and_one_by_one_answered(tmp_path):
    texts = [f"{first} {second}" for first in VOCABULARY[:5] for second in VOCABULARY[5:10]]
    async with live_call(
        tmp_path, ScriptedModel("Yes."), wake=WakeRule.ALWAYS, speech=FakeSpeech()
    ) as live:
        began, spent = time.monotonic(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for number, text in enumerate(texts):
                sound = spoken(*text.split(), seconds=1.2)
                group.create_task(live.people.say(sound, by=guest(number)))
        share = (time.process_time() - spent) / (time.monotonic() - began)
        sys.stdout.write(f"{CROWD} people at once: {share:.0%} of a core, the test included\n")
        await live.comes(TurnTaken, count=CROWD)
        heard = {turn.speaker.id.user: once_each(turn.text) for turn in live.of(TurnTaken)}
        assert heard == {f"guest{number}": text for number, text in enumerate(texts)}
        await live.comes(AnswerEnded)
        await live.until(lambda: not live.call.busy, what="silence")
        assert live.call.listener.dropped == 0
        assert not live.of(Troubled)
        assert not live.of(TurnLost)
        await live.app.conversations.drain(2.0)
        said = [text for who, text in await live.history() if who.startswith("guest")]
        assert len(said) >= len(live.of(AnswerBegun)) >= 1


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_two_minutes_of_real_speech_without_a_pause_are_taken_in_pieces(tmp_path):
    async with real_ears() as ears:
        async with real_speech() as speech:
            clips = [await clip_of(speech, text) for text in COMPLETE]
        sound = b"".join(clips) * 3
        sound = sound[: MINUTES * 60 * BYTES_PER_SECOND]
        async with live_call(
            tmp_path,
            ScriptedModel("Yes."),
            ears=ears,
            probability=build_probability(),
            wake=WakeRule.BY_NAME,
        ) as live:
            spent = time.process_time()
            await live.people.say(sound)
            share = (time.process_time() - spent) / (MINUTES * 60)
            await live.until(lambda: len(live.of(TurnTaken)) >= 4, what="turns")
            await live.until(lambda: not live.call.listener.speaking, what="the end")
            turns = live.of(TurnTaken)
            lengths = [round(turn.ended_at - turn.started_at, 1) for turn in turns]
            sys.stdout.write(f"turns of {lengths} s; {share:.0%} of a core, ears apart\n")
            whole = [each for each, turn in zip(lengths, turns, strict=True) if not turn.continues]
            assert max(whole) <= CAP_SECONDS + 0.5
            assert max(lengths) <= 2 * CAP_SECONDS  # what goes on with a turn counts from there
            assert not live.of(TurnLost)
            assert not live.of(Troubled)
            heard = words(" ".join(turn.text for turn in turns))
            wanted = words(" ".join(COMPLETE))
            assert len(set(wanted) - set(heard)) < len(set(wanted)) * 0.15


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_25_voices_cost_little(tmp_path):
    """The real detector of speech listens to 25 people who talk for 20 s; their words are fake."""
    async with real_speech() as speech:
        clips = [await clip_of(speech, text) for text in COMPLETE]
    texts = {"": "a b"}
    async with live_call(
        tmp_path,
        ScriptedModel("Yes."),
        texts=texts,
        probability=build_probability(),
        wake=WakeRule.BY_NAME,
    ) as live:
        began, spent = time.monotonic(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for number in range(CROWD):
                sound = b"".join(clips[number:] + clips[:number])[: 20 * BYTES_PER_SECOND]
                group.create_task(live.people.say(sound, by=guest(number)))
        share = (time.process_time() - spent) / (time.monotonic() - began)
        sys.stdout.write(f"{CROWD} voices: {share:.0%} of a core, the test included\n")
        assert live.call.listener.dropped == 0
        assert {turn.speaker.id.user for turn in live.of(TurnTaken)} > set()
