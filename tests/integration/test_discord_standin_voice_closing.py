"""Servers that close, move and vanish, and how the unmodified discord.py comes back, or not."""

from __future__ import annotations

import socket

import discord
import pytest

from tests.discord_standin.actions.channels import close, opened
from tests.discord_standin.actions.guilds import leave
from tests.discord_standin.entities import ChannelType
from tests.discord_standin.founding import add_channel
from tests.discord_standin.voice.opcodes import Close
from tests.discord_standin.voice.stage import eventually, stage


def wake_reader(vc: discord.VoiceClient) -> None:
    """Let the reader go to sleep where it can be woken.

    discord.py closes the socket its reader may be selecting on; until that select ends after up to
    30 s, a new handshake waits in vain for the answer to its IP discovery.
    """
    vc._connection.socket.shutdown(socket.SHUT_RDWR)


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
        await here.understand_each_other(vc)


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
        await here.understand_each_other(vc)


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
