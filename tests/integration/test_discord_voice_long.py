"""Many people come and go, and the network is bad for long: what of their speech is still heard."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import numpy as np
import pytest

from frontends.discord.voice.opus_ears import OpusEars
from services.domain.audio import AudioClip, SpeakerFrame
from services.voice.listening.samples import SAMPLE_RATE
from tests.bench.bench_voice import errors, words
from tests.bench.voice_corpus_texts import COMPLETE
from tests.discord_standin.founding import add_member, add_user
from tests.discord_standin.people import Person
from tests.discord_standin.voice.links import Weather
from tests.discord_standin.voice.sound import frames_of_pcm, to_stereo, tone
from tests.discord_standin.voice.stage import Stage, eventually, stage
from tests.fakes.real_voice import MortalSpeech, clip_of, real_ears, real_speech
from tests.fakes.voice_link import Linked, linked

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

CHANGES = 100
CROWD = 10
FRAMES = 5
SEED = 15
MOST_LOST = 10
MOST_WORSE = 0.02
SPEAKERS = 5
MOVES = 20
SETTLING_SECONDS = 0.3


def guests(here: Stage, count: int) -> list[Person]:
    """Let strangers into the guild."""
    world = here.town.standin.world
    users = [add_user(world, f"Guest{number}") for number in range(count)]
    for user in users:
        add_member(world, here.town.guild, user)
    return [here.town.standin.person(user) for user in users]


async def test_after_each_of_100_comings_and_goings_all_share_keys_and_are_known():
    rng = random.Random(SEED)
    speech = frames_of_pcm(tone(300, FRAMES * 0.02))
    async with stage() as here, linked(here) as line:
        outside, inside = guests(here, CROWD), list[Person]()
        said: Counter[int] = Counter()
        for _ in range(CHANGES):
            comes = not inside or (outside and rng.random() < 0.5)
            if comes:
                person = outside.pop(rng.randrange(len(outside)))
                person.joins_voice(here.lounge)
                inside.append(person)
            else:
                person = inside.pop(rng.randrange(len(inside)))
                person.leaves_voice(here.town.guild)
                outside.append(person)
            await here.settles()
            if not inside:
                continue
            codes = {each.voice.endpoint.privacy_code for each in inside}
            assert codes == {line.client.voice_privacy_code}
            speaker = rng.choice(inside)
            announced = rng.random() < 0.5
            await speaker.voice.says(speech, ends=False, announced=announced)
            said[speaker.user.id] += FRAMES
            await eventually(lambda: Counter(map(speaker_of, line.heard)) == said)
        counts = line.link.health().counts
        assert (counts.locked, counts.lost, counts.broken) == (0, 0, 0)
        assert line.link.health().sessions == 1
        assert max(said.values()) < CHANGES * FRAMES / 2


async def test_who_speaks_is_hardly_cut_when_others_come_and_go():
    async with stage() as here, linked(here) as line:
        *speakers, wanderer = guests(here, SPEAKERS + 1)
        for each in speakers:
            await here.joins(each)
        here.session.link.weather = Weather(padded=0.05, extended=0.5)
        lost: list[int] = []
        async with AsyncExitStack() as talk:
            for each in speakers:
                await talk.enter_async_context(talking(each))
            await eventually(lambda: all(len(line.of(each.user.id)) > 50 for each in speakers))
            for change in range(MOVES):
                before = unheard(line)
                if change % 2:
                    wanderer.leaves_voice(here.town.guild)
                else:
                    wanderer.joins_voice(here.lounge)
                await here.settles()
                await asyncio.sleep(SETTLING_SECONDS)
                lost.append(unheard(line) - before)
        sys.stdout.write(f"frames lost at each change, {SPEAKERS} speaking: {lost}\n")
        sent = sum(each.voice.sequence for each in speakers)
        await eventually(lambda: len(line.heard) + sum(lost) >= sent)
        assert max(lost) <= MOST_LOST


async def test_words_survive_a_bad_network():
    """Loss of 3 %, reorder of 2 % and jitter of 30 ms, against the same packets all in order."""
    async with real_speech() as speech:
        said = [frames_of_pcm(await stereo_of(speech, text)) for text in COMPLETE]
    async with stage() as here, linked(here) as line:
        people = guests(here, SPEAKERS)
        for each in people:
            (await here.joins(each)).announces()
        here.session.link.weather = Weather(loss=0.03, reorder=0.02, jitter_seconds=0.03)
        heard: dict[int, bytes] = {}

        async def speak(number: int) -> None:
            person = people[number]
            for place in range(number, len(said), SPEAKERS):
                before = len(line.pcm_of(person.user.id))
                await person.voice.says(said[place])
                await asyncio.sleep(SETTLING_SECONDS)
                heard[place] = line.pcm_of(person.user.id)[before:]

        async with asyncio.TaskGroup() as group:
            for number in range(SPEAKERS):
                group.create_task(speak(number))
        counts = line.link.health().counts
        here.session.link.weather = Weather()
    assert counts.lost > 0.02 * sum(map(len, said))
    async with real_ears() as ears:

        async def errors_in(sounds: Sequence[bytes]) -> float:
            wrong = 0
            for text, sound in zip(COMPLETE, sounds, strict=True):
                found = await ears.transcribe(AudioClip(pcm=sound, rate=SAMPLE_RATE))
                wrong += errors(words(text), words(found.text))
            return wrong / sum(len(words(text)) for text in COMPLETE)

        clean = await errors_in([sound_of(each) for each in said])
        bad = await errors_in([heard[place] for place in range(len(said))])
    sys.stdout.write(f"word errors: {clean:.1%} clean, {bad:.1%} over a bad network; {counts}\n")
    assert bad <= clean + MOST_WORSE


def speaker_of(heard: SpeakerFrame) -> int:
    return int(heard.speaker.id.user)


def unheard(line: Linked) -> int:
    """Return how many frames never became sound so far."""
    counts = line.link.health().counts
    return counts.lost + counts.locked


def sound_of(frames: Sequence[bytes]) -> bytes:
    """Return what frames sound like where nothing is lost."""
    ears = OpusEars()
    return b"".join(ears.hear(frame) or b"" for frame in frames)


async def stereo_of(speech: MortalSpeech, text: str) -> bytes:
    samples = np.frombuffer(await clip_of(speech, text), "<i2")
    return to_stereo(samples.reshape(-1, 1), SAMPLE_RATE)


@asynccontextmanager
async def talking(person: Person) -> AsyncIterator[None]:
    """Let somebody talk without end."""
    frames = frames_of_pcm(tone(440, 1.0))

    async def talk() -> None:
        while True:
            await person.voice.says(frames, ends=False)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(talk())
        try:
            yield
        finally:
            task.cancel()
