"""Calls over the tests' Discord with its packets and its encryption."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.discord_standin.entities import ChannelType
from tests.discord_standin.scene import scene
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.sound import frames_of_pcm, tone
from tests.fakes.discord_talk import choose
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.voice import Callers, asks, callers, enters

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture
async def here(tmp_path, monkeypatch) -> AsyncIterator[Callers]:
    """The bot in a town with voice servers."""
    async with (
        scene(limits=False, voice=VoiceSettings()) as town,
        callers(town, ScriptedModel("Good evening."), tmp_path, monkeypatch, real=True) as found,
    ):
        yield found


async def talks(here: Callers, text: str) -> None:
    """Let Alice say something that is understood as ``text`` until she hears an answer."""
    here.ears.default = text
    alice = here.town.alice.voice
    bot = here.town.bot.user.id
    before = len(alice.recorder.of(bot))
    async with asyncio.timeout(30.0):
        while len(alice.recorder.of(bot)) <= before + 5:
            await alice.says(frames_of_pcm(tone(440, 0.6)))
            await asyncio.sleep(1.5)


async def test_who_speaks_is_answered_over_the_air(here):
    await here.calls(here.town.alice)
    await talks(here, "Hello Mira!")
    assert "Good evening." in here.said()
    answer = await asks(here, here.town.alice, "voice status")
    assert "connected" in answer
    assert ", end-to-end encrypted" in answer
    await asks(here, here.town.alice, "voice leave")
    assert here.town.bot.user.id not in here.town.guild.voice


async def test_moved_it_answers_in_the_other_channel(here):
    alice = here.town.alice
    cellar = alice.opens_channel(here.town.guild, "Cellar", kind=ChannelType.VOICE)
    await choose(here.live, cellar, autoleave="never")
    await here.calls(alice)
    await alice.moves(here.town.bot, cellar)
    await here.until(lambda: here.held.channel.id == cellar.id and here.held.call)
    await here.until(lambda: here.held.call and here.held.call.listening)
    await enters(here, alice, cellar)
    await talks(here, "Hello again!")


async def test_followed_it_answers_in_the_other_channel(here):
    alice = here.town.alice
    cellar = alice.opens_channel(here.town.guild, "Cellar", kind=ChannelType.VOICE)
    await here.calls(alice)
    await asks(here, alice, "voice follow")
    await enters(here, alice, cellar)
    await here.until(lambda: here.held.channel.id == cellar.id)
    await here.until(lambda: here.held.call and here.held.call.listening)
    await talks(here, "Hello again!")


async def test_thrown_out_it_is_in_no_call_and_comes_back_when_called(here):
    alice, guild = here.town.alice, here.town.guild
    await here.calls(alice)
    alice.disconnects(here.town.bot.user, guild)
    await here.until(lambda: here.held is None)
    await here.until(lambda: here.wrote("I do not any more"))
    assert "and listen" in await asks(here, alice, "voice join")
    await talks(here, "Hello again!")


async def test_a_deleted_channel_ends_the_call(here):
    alice = here.town.alice
    await here.calls(alice)
    alice.closes(here.lounge)
    await here.until(lambda: here.held is None)
    await here.until(lambda: not here.live.bot.voice_clients)


async def test_a_bot_that_leaves_discord_hangs_up(here):
    await here.calls(here.town.alice)
    await here.live.bot.close()
    await here.until(lambda: here.town.bot.user.id not in here.town.guild.voice)


async def test_muted_or_deafened_by_a_moderator_it_says_so(here):
    alice, guild = here.town.alice, here.town.guild
    await here.calls(alice)
    alice.silences(here.town.bot.user, guild, deaf=True)
    await here.until(lambda: here.wrote("I hear nobody"))
    alice.silences(here.town.bot.user, guild, deaf=True, mute=True)
    await here.until(lambda: here.wrote("nobody hears me"))
    assert sum("I hear nobody" in one.content for one in here.chat()) == 1
