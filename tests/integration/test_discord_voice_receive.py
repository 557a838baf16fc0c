"""What people say in a call arrives as sound with their names on it, whatever the network does."""

from __future__ import annotations

import asyncio
import secrets
import time

import numpy as np
import pytest

from frontends.discord.voice.opus_ears import OpusEars
from frontends.discord.voice.packets import SILENCE
from services.domain.ids import AuthorId
from services.domain.people import Author, AuthorKind
from tests.discord_standin.founding import add_member, add_user
from tests.discord_standin.people import Person
from tests.discord_standin.voice import mischief
from tests.discord_standin.voice.links import Weather
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.settings import Committers, VoiceSettings
from tests.discord_standin.voice.sound import frames_of_pcm, tone
from tests.discord_standin.voice.stage import Stage, eventually, stage
from tests.fakes.voice_link import Linked, human, linked

SECONDS = 1.0
ENDING = [SILENCE] * 5
PLAIN = VoiceSettings(dave_version=0)


def sound_of(frames: list[bytes]) -> bytes:
    """Return what frames sound like where nothing is lost."""
    ears = OpusEars()
    return b"".join(ears.hear(frame) or b"" for frame in frames)


def speech(frequency: float = 300, seconds: float = SECONDS) -> list[bytes]:
    return frames_of_pcm(tone(frequency, seconds))


def guests(here: Stage, count: int) -> list[Person]:
    """Let strangers into the guild."""
    world = here.town.standin.world
    users = [add_user(world, f"Guest{number}") for number in range(count)]
    for user in users:
        add_member(world, here.town.guild, user)
    return [here.town.standin.person(user) for user in users]


async def arrives(line: Linked, user_id: int, sound: bytes) -> None:
    await eventually(lambda: len(line.pcm_of(user_id)) >= len(sound))
    assert line.pcm_of(user_id) == sound


async def test_speech_arrives_as_16_khz_mono_with_a_name_and_the_moment_it_came():
    async with stage() as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        before = time.monotonic()
        frames = speech(300)
        await alice.says(frames)
        await arrives(line, alice.user_id, sound_of([*frames, *ENDING]))
        after = time.monotonic()
        heard = line.of(alice.user_id)
        assert {(each.frame.rate, each.frame.channels) for each in heard} == {(16_000, 1)}
        assert {each.frame.seconds for each in heard} == {0.02}
        moments = [each.frame.started_at for each in heard]
        assert moments == sorted(moments)
        assert before < moments[0] < moments[-1] < after
        assert moments[-1] - moments[0] > SECONDS / 2
        samples = np.frombuffer(line.pcm_of(alice.user_id), dtype="<i2")[:16_000]
        assert np.argmax(np.abs(np.fft.rfft(samples))) == pytest.approx(300, abs=5)


@pytest.mark.parametrize(
    "weather",
    [
        Weather(padded=0.5, extended=0.5),
        Weather(reorder=0.3),
        Weather(duplicates=0.5),
        Weather(jitter_seconds=0.02),
        Weather(padded=0.3, extended=0.3, reorder=0.2, duplicates=0.2, jitter_seconds=0.01),
    ],
    ids=["padding and extensions", "reorder", "duplicates", "jitter", "all"],
)
@pytest.mark.parametrize("settings", [None, PLAIN], ids=["encrypted", "plain"])
async def test_no_weather_but_loss_changes_what_is_heard(
    weather: Weather, settings: VoiceSettings | None
):
    async with stage(settings) as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        alice.announces()
        frames = speech()
        alice.sends(frames[0])  # where a stream begins is where it was first heard
        here.session.link.weather = weather
        await alice.says(frames[1:], announced=False)
        here.session.link.weather = Weather()
        alice.sends(SILENCE)  # lets go of what was held back
        await arrives(line, alice.user_id, sound_of([*frames, *ENDING, SILENCE]))
        counts = line.link.health().counts
        assert (counts.lost, counts.guessed, counts.locked, counts.broken) == (0, 0, 0, 0)


async def test_lost_frames_are_guessed_and_hold_up_the_others_for_60_ms_at_most():
    async with stage() as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        frames = speech(seconds=3.0)
        here.session.link.weather = Weather(loss=0.05)
        await alice.says(frames, ends=False)
        lost = here.session.link.lost
        here.session.link.weather = Weather()
        alice.sends(SILENCE)
        expected = len(frames) + 1
        await eventually(lambda: len(line.of(alice.user_id)) == expected)
        counts = line.link.health().counts
        assert lost > 0
        assert counts.guessed == counts.lost == lost
        loud = [np.abs(np.frombuffer(each.frame.pcm, "<i2")).max() for each in line.heard[2:-1]]
        assert min(loud) > 100  # a guess goes on with the tone, if more and more softly


async def test_a_pause_is_not_taken_for_loss():
    async with stage() as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        frames = speech(seconds=0.2)
        await alice.says(frames)
        await asyncio.sleep(0.3)
        await alice.says(frames)
        await arrives(line, alice.user_id, sound_of([*frames, *ENDING, *frames, *ENDING]))
        assert line.link.health().counts.guessed == 0


async def test_whose_frames_they_are_is_known_from_their_keys_alone():
    async with stage() as here, linked(here) as line:
        people = [here.town.alice, here.town.bob, *guests(here, 2)]
        voices = [await here.joins(each) for each in people]
        said = {each.user_id: speech(200 + 70 * n) for n, each in enumerate(voices)}
        async with asyncio.TaskGroup() as group:
            for each in voices:
                group.create_task(each.says(said[each.user_id], announced=False))
        for each in voices:
            await arrives(line, each.user_id, sound_of([*said[each.user_id], *ENDING]))
        assert line.link.health().counts.locked == 0


async def test_a_wrong_name_from_the_server_is_corrected_by_the_key():
    async with stage() as here, linked(here) as line:
        alice, bob = await here.joins(here.town.alice), await here.joins(here.town.bob)
        lie = {"user_id": str(bob.user_id), "ssrc": alice.ssrc, "speaking": 1}
        here.call.parties[here.bot_id].told(Op.SPEAKING, lie)
        await asyncio.sleep(0.1)
        frames = speech()
        await alice.says(frames, announced=False)
        await arrives(line, alice.user_id, sound_of([*frames, *ENDING]))
        assert not line.of(bob.user_id)


async def test_unencrypted_frames_wait_until_somebody_says_whose_they_are():
    async with stage(PLAIN) as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        await here.joins(here.town.bob)
        frames = speech(seconds=0.4)
        await alice.says(frames, announced=False, ends=False)
        assert not line.heard
        alice.announces()
        await arrives(line, alice.user_id, sound_of(frames))


async def test_the_only_other_one_needs_no_announcing():
    async with stage(PLAIN) as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        frames = speech(seconds=0.4)
        await alice.says(frames, announced=False, ends=False)
        await arrives(line, alice.user_id, sound_of(frames))


async def test_bots_and_people_nobody_knows_are_not_heard():
    def author_of(user_id: int) -> Author | None:
        name = names.get(user_id)
        if name is None:
            return None
        kind = AuthorKind.BOT if name == "Bob" else AuthorKind.HUMAN
        return Author(id=AuthorId("discord", str(user_id)), display_name=name, kind=kind)

    async with stage() as here, linked(here, author_of=author_of) as line:
        (stranger,) = guests(here, 1)
        names = {here.town.alice.user.id: "Alice", here.town.bob.user.id: "Bob"}
        voices = [await here.joins(each) for each in (stranger, here.town.bob, here.town.alice)]
        frames = speech(seconds=0.3)
        for each in voices:
            await each.says(frames)
        await arrives(line, here.town.alice.user.id, sound_of([*frames, *ENDING]))
        assert {each.speaker.display_name for each in line.heard} == {"Alice"}
        assert line.link.health().counts.heard < 3 * len(frames)


async def test_who_is_heeded_is_heard_from_then_on():
    known: dict[int, Author] = {}
    async with stage() as here, linked(here, author_of=known.get) as line:
        alice = await here.joins(here.town.alice)
        frames = speech(seconds=0.2)
        await alice.says(frames)
        await eventually(lambda: line.link.health().counts.heard)
        known[alice.user_id] = human(alice.user_id)
        line.link.heed(alice.user_id)
        before = time.monotonic()
        await alice.says(speech(440, 0.3))
        await eventually(lambda: line.heard)
        assert time.monotonic() - before < 5.0, "a stranger is looked up again after ten seconds"


async def test_25_speakers_at_once_are_all_heard_whole():
    async with stage() as here:
        people = guests(here, 25)
        for each in people:
            each.joins_voice(here.lounge)
        async with linked(here) as line:
            await here.settles()
            said = {each.user.id: speech(100 + 20 * n) for n, each in enumerate(people)}
            async with asyncio.TaskGroup() as group:
                for each in people:
                    group.create_task(each.voice.says(said[each.user.id]))
            for user_id, frames in said.items():
                await arrives(line, user_id, sound_of([*frames, *ENDING]))


async def test_garbage_in_place_of_opus_is_dropped_and_what_follows_is_heard():
    async with stage() as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        alice.announces()
        for size in range(1, 200):
            alice.sends(b"\xff" + secrets.token_bytes(size))  # more frames than bytes
        frames = speech(seconds=0.3)
        await alice.says(frames, ends=False)
        whole = sound_of(frames)
        await eventually(lambda: line.pcm_of(alice.user_id).endswith(whole[-6400:]))
        counts = line.link.health().counts
        assert counts.broken > 100
        assert all(each.frame.seconds <= 0.1 for each in line.heard)


async def test_stray_datagrams_are_no_sound():
    async with stage() as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        before = line.link.health().counts.packets
        count = mischief.send_stray_datagrams(here.session)
        await eventually(lambda: line.link.health().counts.packets == before + count)
        assert not line.heard
        frames = speech(seconds=0.2)
        await alice.says(frames, ends=False)
        await arrives(line, alice.user_id, sound_of(frames))


@pytest.mark.parametrize("committers", [Committers.BOTS, Committers.PEOPLE])
async def test_at_most_ten_frames_are_lost_when_somebody_comes_or_goes(committers: Committers):
    async with stage(VoiceSettings(committers=committers)) as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        await here.joins(guests(here, 1)[0])
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)
            for _ in range(3):
                await here.joins(here.town.bob)
                await line.both_ways(here.town.alice)
                here.town.bob.leaves_voice(here.town.guild)
                await line.both_ways(here.town.alice)
        await eventually(lambda: len(line.of(alice.user_id)) >= alice.sequence - 60)
        counts = line.link.health().counts
        assert counts.locked + counts.lost <= 60


async def test_the_author_is_the_one_that_was_asked_for():
    async with stage() as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        await alice.says(speech(seconds=0.1))
        await eventually(lambda: line.heard)
        assert line.heard[0].speaker == human(alice.user_id)
