"""Joining, being moved and thrown out, leaving, and what is said where that does not work."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util

import discord
import pytest

from frontends.discord.voice import hooks, libopus, persistence
from frontends.discord.voice.link import VoiceLink
from frontends.discord.voice.persistence import Ending
from services.domain.clock import SystemClock
from services.domain.errors import AcoreError, Busy, NotAllowed
from services.observability.metrics import Metrics
from services.voice.audio_io import AudioInput, AudioOutput
from tests.discord_standin.actions.channels import close, opened
from tests.discord_standin.actions.guilds import leave
from tests.discord_standin.entities import Channel, ChannelType
from tests.discord_standin.founding import add_channel
from tests.discord_standin.permissions import Permission
from tests.discord_standin.voice.opcodes import Close, Op
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.stage import Stage, eventually, stage
from tests.discord_standin.voice.states import tell_voice_state
from tests.fakes.voice_link import Linked, human, linked


async def joins(here: Stage, channel: Channel | None = None, **options: float) -> VoiceLink:
    place = here.client.get_channel((channel or here.lounge).id)
    assert isinstance(place, discord.VoiceChannel)
    return await VoiceLink.connect(
        place, author_of=human, clock=SystemClock(), metrics=Metrics(), **options
    )


async def attic_of(here: Stage) -> Channel:
    """Open a second voice channel, and wait until the bot knows of it."""
    attic = add_channel(here.town.standin.world, here.town.guild, "Attic", kind=ChannelType.VOICE)
    opened(here.town.alice._site, attic)
    await eventually(lambda: here.client.get_channel(attic.id))
    return attic


async def is_over(line: Linked, ending: Ending) -> None:
    async with asyncio.timeout(10):
        await line.link.closed.wait()
    assert line.link.ending is ending
    assert not line.here.client.voice_clients
    assert not line.link.health().connected


async def test_a_link_is_ears_and_mouth():
    async with stage() as here, linked(here) as line:
        ears: AudioInput = line.link
        mouth: AudioOutput = line.link
        assert (ears, mouth) == (line.link, line.link)
        assert line.link.channel.id == here.lounge.id
        assert line.link.ending is None
        health = line.link.health()
        assert (health.connected, health.sessions, health.others) == (True, 1, 0)
        await here.joins(here.town.alice)
        health = line.link.health()
        assert (health.others, health.encrypted) == (1, True)
    assert here.town.guild.voice.keys() == {here.town.alice.user.id}


async def test_leaving_ends_the_frames_and_may_be_done_twice():
    async with stage() as here:
        async with linked(here) as line:
            await line.link.close()
            await line.link.close()
            await is_over(line, Ending.LEFT)
            async for _ in line.link.frames():
                pytest.fail("a link that is closed has nothing to say")
        assert here.town.guild.voice == {}


async def test_one_can_leave_and_join_again_at_once():
    async with stage() as here:
        for _ in range(3):
            async with linked(here) as line, line.talk(here.town.alice):
                await here.joins(here.town.alice)
                await line.both_ways(here.town.alice)


async def test_in_one_guild_there_is_one_link():
    async with stage() as here, linked(here) as line:
        with pytest.raises(Busy, match="already"):
            await joins(here)
        async with line.talk(here.town.alice):
            await here.joins(here.town.alice)
            await line.both_ways(here.town.alice)


async def test_without_permission_it_is_not_tried():
    async with stage() as here:
        everyone = here.town.guild.roles[here.town.guild.id]
        here.town.alice.overwrites(here.lounge, everyone, deny=Permission.CONNECT)
        place = here.client.get_channel(here.lounge.id)
        assert isinstance(place, discord.VoiceChannel)
        await eventually(lambda: not place.permissions_for(place.guild.me).connect)
        with pytest.raises(NotAllowed, match="Connect"):
            await joins(here)


async def test_a_full_channel_is_not_tried():
    async with stage() as here:
        await here.joins(here.town.alice)
        place = here.client.get_channel(here.lounge.id)
        assert isinstance(place, discord.VoiceChannel)
        await eventually(lambda: place.voice_states)
        place.user_limit = 1
        with pytest.raises(Busy, match="full"):
            await joins(here)


async def test_where_discord_does_not_answer_nothing_is_left_of_the_try(monkeypatch):
    async with stage() as here:
        with monkeypatch.context() as silence:
            silence.setattr(here.board, "take_request", lambda *_: None)
            with pytest.raises(AcoreError, match="did not answer"):
                await joins(here, timeout=0.5)
        assert not here.client.voice_clients
        async with linked(here) as line, line.talk(here.town.alice):
            await here.joins(here.town.alice)
            await line.both_ways(here.town.alice)


async def test_a_server_that_wants_newer_encryption_is_told_of_and_not_tried_again():
    async with stage(VoiceSettings(dave_version=2)) as here:
        with pytest.raises(AcoreError, match=str(int(Close.E2EE_REQUIRED))):
            await joins(here)
        assert here.board.servers[0].handshakes == 0
        assert not here.client.voice_clients


async def test_who_is_thrown_out_stays_out():
    async with stage() as here, linked(here) as line:
        here.town.alice.disconnects(here.town.bot.user, here.town.guild)
        await is_over(line, Ending.REMOVED)
        assert here.town.guild.voice == {}
        async with linked(here) as again:
            assert again.link.health().connected


async def test_a_deleted_channel_ends_the_link():
    async with stage() as here, linked(here) as line:
        close(here.town.alice._site, here.lounge)
        await is_over(line, Ending.REMOVED)


async def test_a_lost_guild_ends_the_link():
    async with stage() as here, linked(here) as line:
        leave(here.town.alice._site, here.town.guild, here.town.bot.user)
        await is_over(line, Ending.REMOVED)


async def test_a_guild_that_is_gone_without_a_word_is_not_asked_for_again():
    async with stage() as here, linked(here) as line:
        guild = here.client.guilds[0]
        here.client._connection._remove_guild(guild)
        here.board.servers[0].dismiss(here.bot_id)
        await is_over(line, Ending.GONE)


async def test_a_moderator_moves_the_bot_and_it_goes_on_there():
    async with stage() as here, linked(here) as line:
        attic = await attic_of(here)
        await here.town.alice.moves(here.town.bot, attic)
        here.town.alice.joins_voice(attic)
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)
        assert line.link.channel.id == attic.id
        assert here.bot_id not in here.call.parties


async def test_the_bot_moves_itself_and_takes_its_frames_along():
    async with stage() as here, linked(here) as line:
        attic = await attic_of(here)
        place = here.client.get_channel(attic.id)
        assert isinstance(place, discord.VoiceChannel)
        await line.link.move(place)
        assert line.link.channel.id == attic.id
        here.town.alice.joins_voice(attic)
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)
        back = here.client.get_channel(here.lounge.id)
        assert isinstance(back, discord.VoiceChannel)
        await line.link.move(back)
        assert here.bot_id in here.call.parties


async def test_a_move_that_is_not_allowed_leaves_the_bot_where_it_is():
    async with stage() as here, linked(here) as line:
        attic = await attic_of(here)
        everyone = here.town.guild.roles[here.town.guild.id]
        here.town.alice.overwrites(attic, everyone, deny=Permission.CONNECT)
        place = here.client.get_channel(attic.id)
        assert isinstance(place, discord.VoiceChannel)
        await eventually(lambda: not place.permissions_for(place.guild.me).connect)
        with pytest.raises(NotAllowed):
            await line.link.move(place)
        await here.joins(here.town.alice)
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)


async def test_a_deafened_bot_says_so_and_hears_again_afterwards():
    async with stage() as here, linked(here) as line:
        await here.joins(here.town.alice)
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)
            here.town.alice.silences(here.town.bot.user, here.town.guild, deaf=True, mute=True)
            await eventually(lambda: line.link.health().deafened and line.link.health().muted)
            before = line.link.health().sessions
            here.town.alice.silences(here.town.bot.user, here.town.guild)
            await line.both_ways(here.town.alice)
        assert line.link.health().sessions == before


async def test_news_of_server_and_channel_in_either_order_lead_to_the_right_group():
    async with stage() as here, linked(here) as line:
        attic = await attic_of(here)
        guild, gateway = here.town.guild, here.town.standin.gateway
        state = guild.voice[here.bot_id]
        ticket = here.board.server_of(attic.id).expect(
            here.bot_id, guild.id, attic.id, state.session_id
        )
        here.board._tell_server(
            here.town.bot, guild, token=ticket.token, endpoint=here.board.servers[0].endpoint
        )
        await asyncio.sleep(0.05)
        tell_voice_state(gateway, guild, dataclasses.replace(state, channel_id=attic.id))
        here.town.alice.joins_voice(attic)
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)
        assert line.link.channel.id == attic.id


async def test_who_cannot_get_in_again_gives_up_in_the_end(monkeypatch):
    monkeypatch.setattr(persistence, "GIVE_UP_SECONDS", 0.5)
    async with stage() as here, linked(here) as line:
        monkeypatch.setattr(here.board, "take_request", lambda *_: None)
        here.board.servers[0].dismiss(here.bot_id, Close.SESSION_INVALID)
        await is_over(line, Ending.GAVE_UP)


async def test_a_server_that_is_gone_is_left_for_the_next():
    async with stage() as here, linked(here) as line:
        await here.joins(here.town.alice)
        await here.board.servers[0].close()
        await asyncio.sleep(0.5)
        await here.board.move_region(here.lounge, old_server_closes=False)
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)


async def test_discovery_is_asked_for_again_where_the_datagram_is_lost(monkeypatch):
    async with stage() as here:
        server = here.board.servers[0]
        answer, lost = server._discover, []

        def lose(packet: bytes, address: tuple[str, int]) -> None:
            lost.append(packet)
            if len(lost) > 2:
                answer(packet, address)

        monkeypatch.setattr(server, "_discover", lose)
        async with linked(here) as line:
            assert line.link.health().connected
        assert len(lost) == 3


async def test_the_speaking_light_is_lit_again_in_a_new_session():
    async with stage() as here, linked(here) as line:
        await here.joins(here.town.alice)
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)
            here.board.servers[0].dismiss(here.bot_id, Close.SESSION_INVALID)
            await eventually(lambda: line.link.health().sessions == 2)
            await line.both_ways(here.town.alice)
            said = [data for op, data in here.session.taken if op is Op.SPEAKING]
            assert any(isinstance(each, dict) and each["speaking"] for each in said)


@pytest.mark.parametrize("package", ["nacl", "davey"])
async def test_a_missing_library_is_named_before_anything_is_tried(package, monkeypatch):
    found = importlib.util.find_spec

    def without(name: str, *rest: str) -> object:
        return None if name == package else found(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    async with stage() as here:
        with pytest.raises(AcoreError, match=package) as caught:
            await joins(here)
        assert "make setup" in caught.value.user_message


async def test_a_missing_opus_library_is_named_before_anything_is_tried(monkeypatch):
    async with stage() as here:
        monkeypatch.setattr(discord.opus, "_lib", None)
        monkeypatch.setattr(libopus, "_candidates", lambda: iter(()))
        libopus._name.cache_clear()
        libopus.libopus.cache_clear()
        try:
            with pytest.raises(AcoreError, match="Opus"):
                await joins(here)
        finally:
            libopus._name.cache_clear()
            libopus.libopus.cache_clear()
        assert not here.client.voice_clients


def test_another_discord_py_is_refused_by_name_and_version(monkeypatch):
    hooks.assert_hooks()
    monkeypatch.setattr(discord, "__version__", "9.9.9")
    monkeypatch.delattr(discord.VoiceClient, "create_connection_state")
    with pytest.raises(AcoreError, match=r"9\.9\.9 .*create_connection_state"):
        hooks.assert_hooks()
