"""Calling the bot into voice channels, and sending it away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from frontends.discord.voice.held_call import HeldCall
from services.domain.errors import AcoreError
from services.voice.call_events import Trouble, Troubled
from tests.discord_standin.entities import Channel, ChannelType
from tests.discord_standin.founding import add_member, add_user
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import scene
from tests.fakes.discord_talk import choose
from tests.fakes.discord_talk import here as conversation_in
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.voice import Callers, asks, callers, enters

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]


@pytest.fixture
async def here(tmp_path, monkeypatch) -> AsyncIterator[Callers]:
    """The bot in a town, ready to be called."""
    async with (
        scene(limits=False) as town,
        callers(town, ScriptedModel("Good evening."), tmp_path, monkeypatch) as found,
    ):
        yield found


def another(here: Callers, name: str) -> Channel:
    """Let Alice open one more voice channel."""
    return here.town.alice.opens_channel(here.town.guild, name, kind=ChannelType.VOICE)


async def in_channel(here: Callers, channel: Channel) -> HeldCall:
    """Wait until the bot listens in a channel."""

    def listens() -> bool:
        held = here.held
        return bool(held and held.channel.id == channel.id and held.call and held.call.listening)

    await here.until(listens)
    assert here.held is not None
    return here.held


# -- joining


async def test_who_calls_is_listened_to_and_answered_aloud(here):
    held = await here.calls(here.town.alice)
    assert here.wrote("I listen in this call")
    here.ears.texts.append("Hello Mira, how are you?")
    assert await here.link.hears(here.town.alice)
    await here.until(lambda: "Good evening." in here.said())
    await here.until(lambda: here.link.blocks)
    await here.until(lambda: held.record.delay is not None)


async def test_leaving_takes_the_notice_back(here):
    alice = here.town.alice
    await here.calls(alice)
    assert "I left" in await asks(here, alice, "voice leave")
    assert here.held is None
    assert here.link.ending == "left"
    assert here.wrote("I do not any more")
    assert not here.wrote("I listen in this call")
    assert "/voice join calls me" in await asks(here, alice, "voice hush")


async def test_the_short_commands_do_the_same(here):
    alice = here.town.alice
    await enters(here, alice)
    assert "I am in" in await asks(here, alice, "join")
    assert await asks(here, alice, "speak", text="All aboard.") == "Said."
    assert "All aboard" in here.said()
    assert "listen to nobody" in await asks(here, alice, "stop_listening")
    assert "listening off" in await asks(here, alice, "stt_status")
    assert "I left" in await asks(here, alice, "leave")


async def test_only_moderators_call_it_where_they_are_not(here):
    bob, alice = here.town.bob, here.town.alice
    assert "Join a voice channel first" in await asks(here, bob, "voice join")
    assert "Only moderators" in await asks(here, bob, "voice join", channel=here.lounge)
    assert "I am in" in await asks(here, alice, "voice join", channel=here.lounge)
    assert here.held is not None


async def test_it_is_not_called_away_from_others(here):
    bob, alice = here.town.bob, here.town.alice
    cellar = another(here, "Cellar")
    await here.calls(alice)
    await enters(here, bob, cellar)
    assert "with others" in await asks(here, bob, "voice join")
    await enters(here, alice, cellar)
    assert "I am in" in await asks(here, bob, "voice join")
    await in_channel(here, cellar)


async def test_a_channel_it_cannot_enter_is_told_of(here):
    await enters(here, here.town.alice)
    here.links.refusal = AcoreError("full", "That channel is full.")
    assert await asks(here, here.town.alice, "voice join") == "That channel is full."
    assert here.held is None
    here.links.refusal = None
    assert "I am in" in await asks(here, here.town.alice, "voice join")


async def test_outsiders_neither_hush_nor_send_it_away(here):
    await here.calls(here.town.alice)
    for name in ("voice leave", "voice hush", "voice unlisten", "voice listen"):
        assert "those in the call decide" in await asks(here, here.town.bob, name)
    answer = await asks(here, here.town.bob, "voice speak", text="Boo.")
    assert "those in the call decide" in answer
    assert here.held is not None


async def test_it_goes_along_with_whom_it_follows(here):
    alice, cellar = here.town.alice, another(here, "Cellar")
    await enters(here, alice)
    assert "I go wherever you go" in await asks(here, alice, "voice follow")
    await enters(here, alice, cellar)
    await in_channel(here, cellar)
    assert here.wrote("I listen in this call", cellar)
    assert here.wrote("I do not any more")
    assert "I stay here" in await asks(here, alice, "voice follow")


async def test_where_it_cannot_follow_it_stays(here):
    alice, cellar = here.town.alice, another(here, "Cellar")
    held = await here.calls(alice)
    await asks(here, alice, "voice follow")
    here.link.refuses_to_move = AcoreError("full", "That channel is full.")
    await enters(here, alice, cellar)
    assert held.channel.id == here.lounge.id


# -- what happens to it


async def test_moved_by_a_moderator_it_goes_on_there(here):
    cellar = another(here, "Cellar")
    await choose(here.live, cellar, autoleave="never")
    await here.calls(here.town.alice)
    await here.town.alice.moves(here.town.bot, cellar)
    held = await in_channel(here, cellar)
    assert here.service.find(conversation_in(cellar)) is held.call
    assert here.service.find(conversation_in(here.lounge)) is None


async def test_removed_or_given_up_it_is_in_no_call(here):
    await here.calls(here.town.alice)
    here.link.ends("gave_up")
    await here.until(lambda: here.held is None)
    await here.until(lambda: here.wrote("could not get back"))
    assert "I am in" in await asks(here, here.town.alice, "voice join")
    here.link.ends("removed")
    await here.until(lambda: here.held is None)


async def test_it_leaves_a_channel_that_is_deleted(here):
    await here.calls(here.town.alice)
    here.town.alice.closes(here.lounge)
    await here.until(lambda: here.held is None)


async def test_alone_for_a_minute_it_leaves(here):
    await here.calls(here.town.alice)
    here.town.alice.leaves_voice(here.town.guild)
    await here.until(lambda: here.held is None)


async def test_machines_are_no_company_and_people_who_return_are(here):
    world, guild = here.town.standin.world, here.town.guild
    radio = add_user(world, "Radio", bot=True)
    add_member(world, guild, radio)
    await asks(here, here.town.alice, "voice autoleave", minutes=20, channel=here.lounge)
    held = await here.calls(here.town.alice)
    here.town.standin.person(radio).joins_voice(here.lounge)
    here.town.alice.leaves_voice(guild)
    await here.until(held.presence.empty.is_set)
    await enters(here, here.town.alice)
    await here.until(held.presence.peopled.is_set)
    assert here.held is held
    here.town.alice.leaves_voice(guild)
    await here.until(lambda: here.held is None)


async def test_told_to_stay_it_stays_alone(here):
    alice = here.town.alice
    answer = await asks(here, alice, "voice autoleave", minutes=0, channel=here.lounge)
    assert "**Leaving by itself** never" in answer
    held = await here.calls(alice)
    alice.leaves_voice(here.town.guild)
    await here.until(held.presence.empty.is_set)
    assert "I am in" in await asks(here, alice, "voice join", channel=here.lounge)
    assert here.held is held


async def test_a_marked_channel_is_joined_when_the_first_person_enters(here):
    alice, bob = here.town.alice, here.town.bob
    answer = await asks(here, bob, "voice autojoin", join="on", channel=here.lounge)
    assert "You may not change" in answer
    answer = await asks(here, alice, "voice autojoin", join="on", channel=here.lounge)
    assert "**Joining by itself** on" in answer
    bob.joins_voice(here.lounge)
    await in_channel(here, here.lounge)
    assert "I left" in await asks(here, bob, "voice leave")
    await enters(here, alice)
    assert here.held is None, "sent away it returns when the channel was empty"


async def test_people_who_were_there_at_the_start_are_joined(here):
    alice = here.town.alice
    await choose(here.live, here.lounge, autojoin="on")
    await enters(here, alice)
    held = await in_channel(here, here.lounge)
    await held.leave()
    await here.live.bot.calls.rejoin()
    assert await here.link.hears(alice), "who was there before is looked up"
    await asks(here, alice, "voice leave")
    await here.live.bot.calls.rejoin()
    assert here.held is None, "sent away it stays away"


async def test_without_the_right_to_speak_it_says_so(here):
    everyone = here.town.guild.roles[here.town.guild.id]
    here.town.alice.overwrites(here.lounge, everyone, deny=int(Permission.SPEAK))
    await enters(here, here.town.alice)
    channel = here.live.bot.get_channel(here.lounge.id)
    await here.until(lambda: not channel.permissions_for(channel.guild.me).speak)
    assert "give me the permission Speak" in await asks(here, here.town.alice, "voice join")


async def test_who_is_blocked_in_the_call_is_heard_no_more(here):
    alice, bob = here.town.alice, here.town.bob
    held = await here.calls(alice)
    await enters(here, bob)
    await here.until(lambda: held.presence.author_of(bob.user.id))
    await asks(here, alice, "block", user=bob.user)
    await here.until(lambda: held.presence.author_of(bob.user.id) is None)


async def test_called_while_it_leaves_it_comes_back(here):
    held = await here.calls(here.town.alice)
    here.link.ends("removed")
    await here.until(lambda: held.leaving)
    assert "I am in" in await asks(here, here.town.alice, "voice join")
    assert here.held is not held


async def test_troubles_are_told_once(here):
    held = await here.calls(here.town.alice)
    on_event = here.held.talk._is.on_event  # what the call tells
    for at in (1.0, 2.0):
        on_event(Troubled(trouble=Trouble.VOICE, text="The voice is gone.", at=at))
        assert held.record.troubles == {Trouble.VOICE: "The voice is gone."}
        on_event(Troubled(trouble=Trouble.VOICE, text="", at=at, over=True))
    await here.until(lambda: here.wrote("The voice is gone."))
    assert sum("The voice is gone." in one.content for one in here.chat()) == 1
    assert held.record.troubles == {}


async def test_voices_that_are_not_converted_are_told_of_once(here, monkeypatch):
    status = here.service.status
    slow = [True]
    monkeypatch.setattr(here.service, "status", lambda: replace(status(), bypassed=slow[0]))
    held = await here.calls(here.town.alice)
    for _ in range(2):
        await asks(here, here.town.alice, "voice speak", text="Hello.")
    await here.until(lambda: here.wrote("another one speaks"))
    assert sum("another one speaks" in one.content for one in here.chat()) == 1
    assert "Voices are not converted" in await asks(here, here.town.alice, "voice status")
    slow[0] = False
    await asks(here, here.town.alice, "voice speak", text="Hello.")
    assert held.record.troubles == {}


async def test_a_bot_that_leaves_discord_ends_its_calls(here):
    held = await here.calls(here.town.alice)
    await here.live.bot.close()
    assert held.ended.is_set()
    assert here.link.ending == "left"


async def test_voice_that_is_switched_off_says_what_to_do(tmp_path, monkeypatch):
    off: dict[str, Any] = {"voice": {"enabled": False}}
    async with (
        scene(limits=False) as town,
        callers(town, ScriptedModel(), tmp_path, monkeypatch, **off) as here,
    ):
        alice = town.alice
        await enters(here, alice)
        asked: dict[str, dict[str, Any]] = {
            "voice join": {},
            "voice leave": {},
            "voice follow": {},
            "voice status": {},
            "voice settings": {},
            "voices": {},
        }
        for name, options in asked.items():
            assert "set voice.enabled to true" in await asks(here, alice, name, **options), name
