"""The unmodified discord.py joins the stand-in's voice channels, speaks and is spoken to."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import wave

import discord
import numpy as np
import pytest

from tests.discord_standin.entities import ChannelType
from tests.discord_standin.founding import add_channel, add_member, add_user
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.opus import FRAME_BYTES, RATE, Decoder, load_opus
from tests.discord_standin.voice.receiving import Receiver
from tests.discord_standin.voice.rtp import SAMPLES_PER_FRAME
from tests.discord_standin.voice.settings import Committers, VoiceSettings
from tests.discord_standin.voice.sound import frames_of_pcm, frames_of_wav, numbered_frames, tone
from tests.discord_standin.voice.stage import Stage, eventually, stage

VERSIONS = pytest.mark.parametrize("version", [0, 1], ids=["plain", "encrypted"])
CLOCKS_APART_US = 50_000
"""How far wall time may be set while a test runs."""
COMMITTERS = pytest.mark.parametrize("committers", list(Committers), ids=lambda each: each.name)


class Tone(discord.AudioSource):
    """Some frames of a sine."""

    def __init__(self, frames: int) -> None:
        pcm = tone(440, frames / 50)
        self._frames = iter([pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)])

    def read(self) -> bytes:
        return next(self._frames, b"")


def speaks(vc: discord.VoiceClient, count: int) -> list[bytes]:
    """Send numbered frames as the bot, and return them."""
    frames = list(numbered_frames(1, count))
    for frame in frames:
        vc.send_audio_packet(frame, encode=False)
    return frames


async def heard_alike(here: Stage, vc: discord.VoiceClient, *listeners: str) -> None:
    """The bot says something; these people understand every frame of it."""
    recorders = [getattr(here.town, name).voice.recorder for name in listeners]
    for each in recorders:
        each.heard.clear()
    frames = speaks(vc, 10)
    await eventually(lambda: all(len(each.heard) >= 10 for each in recorders))
    assert [each.frames_of(here.bot_id) for each in recorders] == [frames] * len(recorders)


@VERSIONS
async def test_what_the_bot_says_is_understood_by_everybody_in_the_call(version):
    async with stage(VoiceSettings(dave_version=version)) as here:
        alice, bob = await here.joins(here.town.alice), await here.joins(here.town.bob)
        vc = await here.connects()
        await here.settles()
        begun = time.monotonic_ns() // 1_000
        frames = speaks(vc, 20)
        await eventually(lambda: len(bob.recorder.heard) == 20)
        ended = time.monotonic_ns() // 1_000
        for listener in (alice, bob):
            heard = listener.recorder.of(here.bot_id)
            assert [each.opus for each in heard] == frames
            assert {each.encrypted for each in heard} == {bool(version)}
            numbers = [each.sequence for each in heard]
            assert numbers == list(range(numbers[0], numbers[0] + 20))
            steps = {b.timestamp - a.timestamp for a, b in itertools.pairwise(heard)}
            assert steps == {SAMPLES_PER_FRAME}
            assert len({each.nonce for each in heard}) == 20
            times = [each.at_us for each in heard]
            assert times == sorted(times)
            assert begun - CLOCKS_APART_US <= times[0]
            assert times[-1] <= ended + CLOCKS_APART_US


async def test_played_sound_arrives_on_the_grid_and_ends_in_five_frames_of_silence():
    assert load_opus()
    async with stage() as here:
        vc = await here.connects()
        alice = await here.joins(here.town.alice)
        vc.play(Tone(25))
        await eventually(lambda: len(alice.recorder.heard) >= 30)
        heard = alice.recorder.of(here.bot_id)
        assert [each.silent for each in heard] == [False] * 25 + [True] * 5
        gaps = list(alice.recorder.gaps_us(here.bot_id))
        assert all(gap > 0 for gap in gaps)
        assert sum(gaps) == heard[-1].at_us - heard[0].at_us
        sound = alice.recorder.pcm_of(here.bot_id)
        assert len(sound) == 30 * FRAME_BYTES
        assert max(sound[:FRAME_BYTES]) > 0


@VERSIONS
async def test_two_speakers_at_once_arrive_bit_by_bit_and_by_name(version):
    async with stage(VoiceSettings(dave_version=version)) as here:
        vc = await here.connects()
        alice, bob = await here.joins(here.town.alice), await here.joins(here.town.bob)
        receiver = Receiver(vc)
        if not version:
            for each in (alice, bob):
                receiver.knows(each.ssrc, each.user_id)
        said = {
            alice.user_id: list(numbered_frames(1, 25)),
            bob.user_id: list(numbered_frames(2, 25)),
        }
        await asyncio.gather(*(each.says(said[each.user_id]) for each in (alice, bob)))
        await eventually(lambda: receiver.count >= 50)
        receiver.close()
        assert dict(receiver.of) == said
        assert not receiver.failed


async def test_speech_from_real_opus_frames_sounds_as_it_was_spoken():
    async with stage() as here:
        vc = await here.connects()
        alice = await here.joins(here.town.alice)
        receiver = Receiver(vc)
        frames = frames_of_pcm(tone(300, 0.3))
        await alice.says(frames)
        await eventually(lambda: receiver.count >= len(frames))
        receiver.close()
        assert receiver.of[alice.user_id] == frames
        decoder = Decoder()
        sound = np.frombuffer(b"".join(map(decoder.decode, frames)), dtype="<i2")[::2]
        loudest = np.argmax(np.abs(np.fft.rfft(sound)))
        assert loudest * RATE / len(sound) == pytest.approx(300, abs=5)


async def test_what_was_heard_can_be_written_and_said_again_as_wav(tmp_path):
    said, again = tmp_path / "said.wav", tmp_path / "again.wav"
    with wave.open(str(said), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE // 3)
        file.writeframes(np.frombuffer(tone(200, 0.2), dtype="<i2")[::6].tobytes())
    async with stage(VoiceSettings(dave_version=0)) as here:
        vc = await here.connects()
        alice = await here.joins(here.town.alice)
        frames = frames_of_wav(said)
        assert len(frames) == 10
        for frame in frames:
            vc.send_audio_packet(frame, encode=False)
        await eventually(lambda: len(alice.recorder.heard) == 10)
        alice.recorder.write_wav(here.bot_id, again)
    with wave.open(str(again), "rb") as file:
        assert (file.getframerate(), file.getnframes()) == (RATE, RATE // 5)
        heard = np.frombuffer(file.readframes(RATE), dtype="<i2")[::2]
    loudest = np.argmax(np.abs(np.fft.rfft(heard)))
    assert loudest * RATE / len(heard) == pytest.approx(200, abs=5)


@COMMITTERS
async def test_members_come_and_go_and_all_ends_follow_every_epoch(committers):
    async with stage(VoiceSettings(committers=committers)) as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        assert here.call.group.epoch == 1
        await heard_alike(here, vc, "alice")
        await here.joins(here.town.bob)
        assert here.call.group.epoch == 2
        await heard_alike(here, vc, "alice", "bob")
        here.town.alice.leaves_voice(here.town.guild)
        await here.settles()
        assert here.call.group.epoch == 3
        await heard_alike(here, vc, "bob")
        commits_of_bot = here.call.group.commits_of.get(here.bot_id, 0)
        if committers is Committers.BOTS:
            assert commits_of_bot == 3
        if committers is Committers.PEOPLE:
            assert commits_of_bot == 0


async def test_who_stays_alone_keeps_no_group_and_founds_another_with_the_next():
    async with stage() as here:
        vc = await here.connects()
        speaks(vc, 3)  # alone, nothing is encrypted
        await here.joins(here.town.alice)
        code = vc.voice_privacy_code
        here.town.alice.leaves_voice(here.town.guild)
        await here.settles()
        assert here.call.group.members == set()
        await here.joins(here.town.bob)
        assert vc.voice_privacy_code != code
        await heard_alike(here, vc, "bob")


async def test_many_comings_and_goings_in_random_order_end_with_equal_keys():
    chance = random.Random(7)
    async with stage() as here:
        vc = await here.connects()
        world = here.town.standin.world
        people = []
        for number in range(6):
            user = add_user(world, f"Guest{number}")
            add_member(world, here.town.guild, user)
            people.append(here.town.standin.person(user))
        for _ in range(40):
            person = chance.choice(people)
            if person.user.id in here.board.handsets:
                person.leaves_voice(here.town.guild)
            else:
                person.joins_voice(here.lounge)
            if chance.random() < 0.5:
                await here.settles()
        await here.joins(here.town.alice)
        await heard_alike(here, vc, "alice")
        assert here.call.group.invalid == []


async def test_op_5_names_a_speaker_once_when_they_first_speak(monkeypatch):
    async with stage() as here:
        vc = await here.connects()
        alice = await here.joins(here.town.alice)
        told = []

        async def hook(_: object, message: dict[str, object]) -> None:
            if message["op"] == Op.SPEAKING:
                told.append(message["d"])

        monkeypatch.setattr(vc.ws, "_hook", hook)
        for _ in range(2):
            await alice.says(numbered_frames(2, 2))
        await eventually(lambda: told)
        assert told == [{"user_id": str(alice.user_id), "ssrc": alice.ssrc, "speaking": 1}]


async def test_voice_states_are_known_to_who_is_there_and_to_who_comes_later():
    async with stage() as here:
        lounge = here.client.get_channel(here.lounge.id)
        assert isinstance(lounge, discord.VoiceChannel)
        await here.joins(here.town.alice)
        await eventually(lambda: [each.id for each in lounge.members] == [here.town.alice.user.id])
        await here.connects(self_mute=True)
        await eventually(lambda: len(lounge.members) == 2)
        own = lounge.guild.me
        assert own.voice
        assert own.voice.self_mute
        here.town.alice.silences(here.town.bot.user, here.town.guild, deaf=True)
        await eventually(lambda: own.voice and own.voice.deaf)
        attic = add_channel(
            here.town.standin.world, here.town.guild, "Attic", kind=ChannelType.VOICE
        )
        here.town.alice.joins_voice(attic)
        await eventually(lambda: len(lounge.members) == 1)


async def test_who_is_deafened_by_a_moderator_hears_nothing_and_who_is_muted_is_not_heard():
    async with stage(VoiceSettings(dave_version=0)) as here:
        vc = await here.connects()
        alice, bob = await here.joins(here.town.alice), await here.joins(here.town.bob)
        receiver = Receiver(vc)
        receiver.knows(bob.ssrc, bob.user_id)
        here.town.alice.silences(here.town.bot.user, here.town.guild, mute=True, deaf=True)
        speaks(vc, 3)
        bob.sends(b"unheard by the bot")
        await eventually(lambda: here.session.opened_packets == 3)
        here.town.alice.silences(here.town.bot.user, here.town.guild)
        speaks(vc, 2)
        bob.sends(b"heard by the bot")
        await eventually(lambda: len(bob.recorder.of(here.bot_id)) == 2 and receiver.count)
        receiver.close()
        assert receiver.of[bob.user_id] == [b"heard by the bot"]
        assert alice.recorder.frames_of(bob.user_id)[0] == b"unheard by the bot"
