"""What the stand-in can let go wrong in voice, and what the unmodified discord.py makes of it."""

from __future__ import annotations

import socket

import discord
import pytest

from tests.discord_standin.actions.channels import close, opened
from tests.discord_standin.actions.guilds import leave
from tests.discord_standin.entities import ChannelType
from tests.discord_standin.founding import add_channel, add_user
from tests.discord_standin.voice import mischief
from tests.discord_standin.voice.links import Weather
from tests.discord_standin.voice.opcodes import Close, Op
from tests.discord_standin.voice.receiving import Receiver
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.sound import numbered_frames
from tests.discord_standin.voice.stage import Stage, eventually, stage

COUNT = 60


async def understands(here: Stage, vc: discord.VoiceClient) -> None:
    """Alice and the bot hear each other, frame by frame."""
    alice = here.town.alice.voice
    frames = list(numbered_frames(3, 5))
    start = len(alice.recorder.of(here.bot_id))
    receiver = Receiver(vc)
    receiver.knows(alice.ssrc, alice.user_id)
    for frame in frames:
        vc.send_audio_packet(frame, encode=False)
        alice.sends(frame)
    await eventually(lambda: receiver.count >= 5)
    await eventually(lambda: len(alice.recorder.of(here.bot_id)) >= start + 5)
    receiver.close()
    assert receiver.of[alice.user_id] == frames
    assert [each.opus for each in alice.recorder.of(here.bot_id)][start:] == frames


def wake_reader(vc: discord.VoiceClient) -> None:
    """Let the reader go to sleep where it can be woken.

    discord.py closes the socket its reader may be selecting on; until that select ends after up to
    30 s, a new handshake waits in vain for the answer to its IP discovery.
    """
    vc._connection.socket.shutdown(socket.SHUT_RDWR)


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
        await understands(here, vc)


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
        await understands(here, vc)


async def test_a_group_founded_anew_gives_everybody_new_keys():
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        code = vc.voice_privacy_code
        here.call.group.found_anew()
        await here.settles()
        assert vc.voice_privacy_code != code
        await understands(here, vc)


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
        await understands(here, vc)


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
        await understands(here, vc)


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


@pytest.mark.parametrize(
    ("gap", "old_server_closes"),
    [(False, True), (True, True), (False, False)],
    ids=["at once", "after a gap", "while the old server still talks"],
)
async def test_a_call_moves_to_another_region_and_goes_on(gap, old_server_closes):
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        before = vc.endpoint
        server = await here.board.move_region(
            here.lounge, gap=gap, old_server_closes=old_server_closes
        )
        await eventually(lambda: server.handshakes == 1 and vc.is_connected())
        assert vc.endpoint == server.endpoint != before
        await here.settles()
        await understands(here, vc)


async def test_a_bot_that_is_moved_goes_on_in_the_other_channel():
    async with stage() as here:
        vc = await here.connects()
        attic = add_channel(
            here.town.standin.world, here.town.guild, "Attic", kind=ChannelType.VOICE
        )
        opened(here.town.alice._site, attic)
        await eventually(lambda: here.client.get_channel(attic.id))
        await here.town.alice.moves(here.town.bot, attic)
        server = here.board.servers[0]
        await eventually(lambda: server.handshakes == 2 and vc.is_connected())
        assert vc.channel.id == attic.id
        assert here.bot_id in here.board.call_in(attic).parties
        assert here.bot_id not in here.call.parties


async def test_a_bot_that_is_thrown_out_is_gone():
    async with stage() as here:
        vc = await here.connects()
        here.town.alice.disconnects(here.town.bot.user, here.town.guild)
        await eventually(lambda: not vc.is_connected() and not here.client.voice_clients)
        assert here.bot_id not in here.call.parties


async def test_a_deleted_channel_ends_its_call():
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        close(here.town.alice._site, here.lounge)
        await eventually(lambda: not vc.is_connected() and not here.client.voice_clients)
        assert here.call.parties == {}
        assert here.town.guild.voice == {}


async def test_a_bot_that_loses_the_guild_is_out_of_the_call():
    async with stage() as here:
        await here.connects()
        alice = await here.joins(here.town.alice)
        leave(here.town.alice._site, here.town.guild, here.town.bot.user)
        await eventually(lambda: not here.client.guilds)
        assert here.call.parties == {alice.user_id: alice}


async def test_an_invalid_session_makes_discord_py_come_back_anew():
    async with stage() as here:
        vc = await here.connects()
        await here.joins(here.town.alice)
        server = here.board.servers[0]
        wake_reader(vc)
        server.dismiss(here.bot_id, Close.SESSION_INVALID)
        await eventually(lambda: server.handshakes == 2 and vc.is_connected())
        await here.settles()
        await understands(here, vc)


async def test_a_crashed_server_is_not_come_back_to_by_the_unguarded():
    async with stage() as here:
        vc = await here.connects(timeout=2.0)
        await here.joins(here.town.alice)
        server = here.board.servers[0]
        server.crash()
        poller = vc._connection._runner
        assert poller is not None
        await eventually(poller.done)  # it asks to join again and misses half of the answer
        assert server.resumed == 0
        assert not vc.is_connected()


async def test_a_terminated_call_is_left():
    async with stage() as here:
        vc = await here.connects(timeout=2.0)
        await here.joins(here.town.alice)
        here.board.end_call(here.lounge)
        await eventually(lambda: not vc.is_connected() and not here.client.voice_clients)
        assert here.bot_id not in here.call.parties
