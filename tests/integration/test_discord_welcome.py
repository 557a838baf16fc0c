"""The first message in a server, and its menu and buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import discord
import pytest

from frontends.discord.places import place_of
from frontends.discord.welcome_views import PERSONA_ID, PRIVACY_ID, welcome_view
from services.domain.ids import PersonaId
from services.persona.character import Character, Persona
from tests.discord_standin.command_options import NotOffered
from tests.discord_standin.entities import Channel, Guild, Message
from tests.discord_standin.faults import RestFault
from tests.discord_standin.founding import add_channel, add_guild
from tests.discord_standin.people import CannotDoThat
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import Scene, scene
from tests.fakes.discord_app import DiscordApp, discord_app
from tests.fakes.discord_commands import command_app, told, used
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.integration

_LISTEN, _DEAF = "Listen here", "Stop listening here"


@pytest.fixture
async def here(tmp_path) -> AsyncIterator[DiscordApp]:
    """The bot in a town."""
    async with scene(limits=False) as town, command_app(town, ScriptedModel(), tmp_path) as found:
        yield found


def found_guild(town: Scene, *names: str) -> tuple[Guild, list[Channel]]:
    """Add a guild of Alice's, with Bob and channels, without the bot."""
    world = town.standin.world
    guild = add_guild(world, "Elsewhere", owner=town.alice.user, members=(town.bob.user,))
    return guild, [add_channel(world, guild, name) for name in names]


def bot_joins(town: Scene, guild: Guild) -> None:
    town.standin.person(town.bot.user).joins(guild)


async def greeted(town: Scene, channel: Channel) -> Message:
    """Wait for the first message in a channel."""
    await town.until(lambda: any("Hello, I am" in m.content for m in channel.messages.values()))
    [message] = channel.messages.values()
    return message


def rules_in(here: DiscordApp, channel: Channel):
    place = place_of(here.bot.get_channel(channel.id), None)
    assert place is not None
    return here.app.factory.places().of(place.conversation)


async def test_it_greets_in_the_system_channel_with_things_to_try(here):
    town = here.town
    guild, (_first, system) = found_guild(town, "first", "system")
    guild.system_channel_id = system.id
    bot_joins(town, guild)
    message = await greeted(town, system)
    for part in ("1. ", "2. ", "3. ", f"<@{town.bot.user.id}>", "/help", "/settings show"):
        assert part in message.content
    assert not message.mentions
    assert PERSONA_ID in str(message.components)


async def test_it_greets_in_the_first_channel_it_may_write_in(here):
    town = here.town
    guild, (system, silent, open_) = found_guild(town, "system", "silent", "open")
    guild.system_channel_id = system.id
    everyone = guild.roles[guild.id]
    for closed, denied in (
        (system, Permission.SEND_MESSAGES),
        (silent, Permission.VIEW_CHANNEL),
    ):
        town.alice.overwrites(closed, everyone, deny=denied)
    bot_joins(town, guild)
    await greeted(town, open_)
    assert not system.messages
    assert not silent.messages


async def test_it_copes_with_a_server_without_a_channel_for_it(here):
    town = here.town
    guild, (only,) = found_guild(town, "only")
    town.alice.overwrites(only, guild.roles[guild.id], deny=Permission.SEND_MESSAGES)
    bot_joins(town, guild)
    await town.until(lambda: here.bot.get_guild(guild.id) is not None)
    assert "ms" in await used(town, town.bob, "ping")
    assert not only.messages


async def test_a_channel_that_refuses_is_followed_by_the_next(here):
    """What the cache says of permissions may be outdated."""
    town = here.town
    guild, (first, second) = found_guild(town, "first", "second")
    fault = RestFault(path=f"/channels/{first.id}/messages", method="POST", status=403)
    town.standin.faults.rest.append(fault)
    bot_joins(town, guild)
    await greeted(town, second)
    assert not first.messages


async def test_admins_choose_who_answers_in_the_server(here):
    town = here.town
    guild, (general, other) = found_guild(town, "general", "other")
    bot_joins(town, guild)
    message = await greeted(town, general)
    library = here.app.factory.library()
    chosen = next(one for one in library.all() if one.id != library.default().id)
    refused = town.bob.selects(message, PERSONA_ID, chosen.slug)
    assert "Only admins" in (await told(town, town.bob, refused))[0]
    assert (await rules_in(here, other)).persona == ""
    taken = town.alice.selects(message, PERSONA_ID, chosen.slug)
    assert "answers here from now on" in (await told(town, town.alice, taken))[0]
    for channel in (general, other):
        assert (await rules_in(here, channel)).persona == chosen.slug


async def test_admins_switch_listening_and_the_button_follows(here):
    town = here.town
    guild, (general, other) = found_guild(town, "general", "other")
    bot_joins(town, guild)
    message = await greeted(town, general)
    refused = town.bob.clicks(message, _LISTEN)
    assert "Only admins" in (await told(town, town.bob, refused))[0]
    clicked = town.alice.clicks(message, _LISTEN)
    await town.until(lambda: _DEAF in str(message.components))
    await town.until(
        lambda: any("every message" in one.content for one in town.alice.answers_to(clicked))
    )
    assert (await rules_in(here, general)).listens
    assert not (await rules_in(here, other)).listens
    town.alice.clicks(message, _DEAF)
    await town.until(lambda: _LISTEN in str(message.components))
    assert not (await rules_in(here, general)).listens


async def test_everybody_may_ask_what_is_stored(here):
    town = here.town
    guild, (general,) = found_guild(town, "general")
    bot_joins(town, guild)
    message = await greeted(town, general)
    asked = town.bob.clicks(message, PRIVACY_ID)
    notice = (await told(town, town.bob, asked))[0]
    assert "**" in notice
    assert town.alice.answers_to(asked) == []


async def test_a_click_that_breaks_inside_is_answered_all_the_same(here, monkeypatch):
    town = here.town
    guild, (general,) = found_guild(town, "general")
    bot_joins(town, guild)
    message = await greeted(town, general)

    async def broken(_conversation):
        raise RuntimeError

    monkeypatch.setattr(here.app.factory.privacy_notice(), "of", broken)
    asked = town.bob.clicks(message, PRIVACY_ID)
    assert "went wrong" in (await told(town, town.bob, asked))[0]


async def test_the_buttons_work_after_a_restart(tmp_path):
    async with scene(limits=False) as town:
        async with discord_app(town, ScriptedModel(), tmp_path) as one:
            guild, (general,) = found_guild(town, "general")
            bot_joins(town, guild)
            message = await greeted(town, general)
            del one
        async with discord_app(town, ScriptedModel(), tmp_path) as two:
            await town.until(lambda: two.bot.get_channel(general.id) is not None)
            assert list(general.messages) == [message.id], "it greets once"
            chosen = two.app.factory.library().all()[-1]
            taken = town.alice.selects(message, PERSONA_ID, chosen.slug)
            await told(town, town.alice, taken)
            assert (await rules_in(two, general)).persona == chosen.slug
            town.alice.clicks(message, _LISTEN)
            await town.until(lambda: _DEAF in str(message.components))


async def test_setup_shows_it_again_to_admins_alone(here):
    town = here.town
    with pytest.raises(NotOffered):
        town.bob.uses(town.general, town.bot, "setup")
    asked = town.alice.uses(town.general, town.bot, "setup")
    assert "Three things to try" in (await told(town, town.alice, asked))[0]
    (shown,) = town.alice.answers_to(asked)
    assert shown.shown_only_to == town.alice.user.id
    clicked = town.alice.clicks(shown, _LISTEN)
    await told(town, town.alice, clicked)
    assert (await rules_in(here, town.general)).listens


async def test_characters_for_adults_are_offered_where_they_may_speak_alone(here, monkeypatch):
    town = here.town
    library = here.app.factory.library()
    everybody = list(library.all())
    card = replace(everybody[-1].character, tags=("nsfw",))
    adult = replace(everybody[-1], slug="for-adults", character=card)
    monkeypatch.setattr(library, "_sorted", [*everybody[:-1], adult])
    guild, (general, restricted) = found_guild(town, "general", "restricted")
    restricted.nsfw = True
    bot_joins(town, guild)
    assert "for-adults" not in str((await greeted(town, general)).components)
    asked = town.alice.uses(restricted, town.bot, "setup")
    await told(town, town.alice, asked)
    (shown,) = town.alice.answers_to(asked)
    assert "for-adults" in str(shown.components)


async def test_setup_in_private_chooses_for_that_conversation(here):
    town = here.town
    private = town.standin.world.direct_channel(town.bob.user.id, town.bot.user.id)
    asked = town.bob.uses(private, town.bot, "setup")
    await told(town, town.bob, asked)
    (shown,) = town.bob.answers_to(asked)
    with pytest.raises(CannotDoThat):
        town.bob.clicks(shown, _LISTEN)
    chosen = here.app.factory.library().all()[-1]
    taken = town.bob.selects(shown, PERSONA_ID, chosen.slug)
    assert "answers here" in (await told(town, town.bob, taken))[0]


def test_the_menu_takes_25_characters_and_the_chosen_one_first():
    def persona(number: int) -> Persona:
        name = f"Character {number}"
        return Persona(
            id=PersonaId(f"id{number}"),
            slug=f"character-{number}",
            version="1",
            character=Character(name=name),
        )

    view = welcome_view([persona(n) for n in range(40)], chosen="character-33", listens=None)
    [menu] = [one for one in view.children if isinstance(one, discord.ui.Select)]
    assert len(menu.options) == 25
    assert (menu.options[0].value, menu.options[0].default) == ("character-33", True)
