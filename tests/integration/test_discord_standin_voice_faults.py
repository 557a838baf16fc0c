"""What the stand-in can let go wrong in voice, and what the unmodified discord.py makes of it."""

from __future__ import annotations

import pytest

from tests.discord_standin.founding import add_user
from tests.discord_standin.voice import mischief
from tests.discord_standin.voice.links import Weather
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.receiving import Receiver
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.sound import numbered_frames
from tests.discord_standin.voice.stage import eventually, stage

COUNT = 60


@pytest.mark.parametrize(
    "weather",
    [
        Weather(padded=0.5, extended=0.5),
        Weather(loss=0.3),
        Weather(reorder=0.3),
        Weather(jitter_seconds=0.02),
        Weather(loss=0.1, reorder=0.1, jitter_seconds=0.005, padded=0.3, extended=0.3),
    ],
    ids=["padding and extensions", "loss", "reorder", "jitter", "all"],
)
async def test_weather_befalls_packets_but_never_what_is_in_them(weather):
    async with stage() as here:
        vc = await here.connects()
        alice = await here.joins(here.town.alice)
        receiver = Receiver(vc)
        link = here.session.link
        link.weather = weather
        for frame in numbered_frames(5, COUNT):
            alice.sends(frame)
        await eventually(lambda: receiver.count >= COUNT - link.lost - 1)
        link.weather = Weather()
        alice.sends(b"\x78last")  # lets go of what was held back
        await eventually(lambda: receiver.count == COUNT + 1 - link.lost)
        receiver.close()
        said = dict(enumerate(numbered_frames(5, COUNT)))
        numbers = receiver.sequences[alice.user_id][:-1]
        frames = receiver.of[alice.user_id][:-1]
        pairs = zip(numbers, frames, strict=True)
        assert all(said[number] == frame for number, frame in pairs if number < COUNT)
        assert (link.lost > 0) is bool(weather.loss)
        assert (numbers != sorted(numbers)) is bool(weather.reorder)
        assert (receiver.padded > 0, receiver.extended > 0) == (
            bool(weather.padded),
            bool(weather.extended),
        )
        assert not receiver.failed


async def test_stray_datagrams_are_no_sound_to_whoever_looks_closely():
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        receiver = Receiver(vc)
        seen: list[bytes] = []
        vc._connection.add_socket_listener(seen.append)
        count = mischief.send_stray_datagrams(here.session)
        await eventually(lambda: len(seen) == count)
        assert receiver.count == 0
        vc._connection.remove_socket_listener(seen.append)
        receiver.close()
        await here.understand_each_other(vc)


async def test_duplicates_are_the_same_packet_twice():
    async with stage(VoiceSettings(dave_version=0)) as here:
        vc = await here.connects()
        alice = await here.joins(here.town.alice)
        receiver = Receiver(vc)
        receiver.knows(alice.ssrc, alice.user_id)
        here.session.link.weather = Weather(duplicates=1.0)
        for frame in (b"\x78one", b"\x78two"):
            alice.sends(frame)
        await eventually(lambda: receiver.count == 4)
        receiver.close()
        assert receiver.of[alice.user_id] == [b"\x78one", b"\x78one", b"\x78two", b"\x78two"]


async def test_a_new_transport_key_is_taken_up():
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        before = list(vc.secret_key)
        here.board.give_new_key(here.town.bot)
        await eventually(lambda: vc.secret_key != before)
        await eventually(lambda: here.session.taken[-1][0] is Op.TRANSITION_READY)
        packages = [op for op, _ in here.session.taken].count(Op.KEY_PACKAGE)
        assert packages == 2
        await here.settles()
        await here.understand_each_other(vc)


async def test_a_group_founded_anew_gives_everybody_new_keys():
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        code = vc.voice_privacy_code
        here.call.group.found_anew()
        await here.settles()
        assert vc.voice_privacy_code != code
        await here.understand_each_other(vc)


async def test_encryption_can_be_left_and_entered_again():
    async with stage() as here:
        vc = await here.connects()
        alice = await here.joins(here.town.alice)
        here.call.group.downgrade()
        await eventually(lambda: here.call.group.version == 0 and not vc._connection.can_encrypt)
        frames = list(numbered_frames(4, 3))
        for frame in frames:
            vc.send_audio_packet(frame, encode=False)
        await eventually(lambda: len(alice.recorder.heard) == 3)
        assert [each.opus for each in alice.recorder.heard] == frames
        assert not any(each.encrypted for each in alice.recorder.heard)
        here.call.group.upgrade()
        await eventually(lambda: here.call.group.executed)
        await here.settles()
        await here.understand_each_other(vc)


async def test_who_came_in_without_encryption_misses_its_return_when_unguarded():
    async with stage() as here:
        alice = await here.joins(here.town.alice)
        await here.joins(here.town.bob)
        here.call.group.downgrade()
        await eventually(lambda: here.call.group.version == 0)
        vc = await here.connects()
        here.call.group.upgrade()
        people = {here.town.alice.user.id, here.town.bob.user.id}
        await eventually(lambda: here.call.group.members == people)
        await eventually(lambda: not here.call.group.transitions)
        vc.send_audio_packet(b"\x78in the clear", encode=False)
        await eventually(lambda: alice.recorder.of(here.bot_id))
        assert alice.recorder.of(here.bot_id)[0].opus is None
        assert vc._connection.dave_session is None


async def test_a_commit_nobody_can_follow_gets_the_bot_added_anew():
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        mischief.send_broken_commit(here.call, here.bot_id)
        await eventually(lambda: here.call.group.invalid == [here.bot_id])
        await here.settles()
        await here.understand_each_other(vc)


@pytest.mark.parametrize(
    "send",
    [mischief.send_garbage_proposals, mischief.send_broken_transition],
    ids=["garbage proposals", "broken transition"],
)
async def test_what_is_broken_kills_an_unguarded_poller_without_a_word(send):
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        send(here.call, here.bot_id)
        poller = vc._connection._runner
        assert poller is not None
        await eventually(poller.done)
        assert poller.exception() is not None
        assert vc.is_connected()


async def test_forged_proposals_are_refused_and_a_stranger_is_let_in_by_the_unguarded():
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        stranger = add_user(here.town.standin.world, "Stranger")
        committed = len([op for op, _ in here.session.taken if op is Op.COMMIT_WELCOME])
        mischief.send_stranger(here.call, here.bot_id, stranger.id)
        await eventually(
            lambda: [op for op, _ in here.session.taken].count(Op.COMMIT_WELCOME) > committed
        )
        assert here.call.group.members == {here.bot_id, here.town.alice.user.id}
        mischief.send_forged_proposals(here.call, here.bot_id, stranger.id)
        poller = vc._connection._runner
        assert poller is not None
        await eventually(poller.done)
        assert poller.exception() is not None
