"""Commands for what holds in a place, and for who is answered there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from frontends.discord.places import account, place_of
from services.domain.people import Role
from services.people.scopes import Scope, ScopeKind
from tests.discord_standin.command_options import NotOffered
from tests.discord_standin.entities import Channel, Interaction
from tests.discord_standin.people import Person
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import Scene, scene
from tests.fakes.discord_app import DiscordApp, discord_app
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.integration


@pytest.fixture
async def here(tmp_path) -> AsyncIterator[DiscordApp]:
    """The bot in a town, its commands registered."""
    async with (
        scene(limits=False) as town,
        discord_app(town, ScriptedModel(), tmp_path) as found,
    ):
        await town.until(lambda: town.standin.world.commands)
        yield found


async def said(
    here: DiscordApp, who: Person, name: str, /, *, channel: Channel | None = None, **options: Any
) -> str:
    """Use a command and return its answer, which has to be the asker's alone."""
    town = here.town
    asked = who.uses(channel or town.general, town.bot, name, **options)
    await town.until(lambda: any(one.content for one in who.answers_to(asked)))
    answers = who.answers_to(asked)
    if channel is None:
        assert all(one.shown_only_to == who.user.id for one in answers)
    return "\n".join(one.content for one in answers)


async def offered(town: Scene, asked: Interaction) -> list[str]:
    """The values that are offered."""
    await town.until(lambda: asked.answer_type == 8)
    return [one["value"] for one in asked.answer_data["choices"]]


async def test_settings_say_what_holds_and_where_it_was_chosen(here):
    alice = here.town.alice
    assert "(this server)" in await said(
        here, alice, "settings set", name="verbosity", value="quick", width="server"
    )
    told = await said(here, alice, "settings set", name="verbosity", value="200")
    assert told == "**verbosity** is now 200 tokens (this channel)."
    shown = await said(here, here.town.bob, "settings show")
    assert "**verbosity**: 200 tokens (this channel)" in shown
    assert "**persona**: Mira (default)" in shown
    told = await said(here, alice, "settings clear", name="verbosity")
    assert "quick (75 tokens) (this server)" in told


async def test_pages_are_turned_by_whoever_asked_alone(here):
    town, bob = here.town, here.town.bob
    asked = bob.uses(town.general, town.bot, "settings show")
    await town.until(lambda: bob.answers_to(asked))
    (shown,) = bob.answers_to(asked)
    assert "1 / 3" in shown.content
    first = shown.content
    bob.clicks(shown, "▶")
    await town.until(lambda: "2 / 3" in shown.content)
    bob.clicks(shown, "◀")
    await town.until(lambda: shown.content == first)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "verbosty", "value": "quick"}, "did you mean verbosity"),
        ({"name": "muted", "value": "perhaps"}, "Write on or off."),
        ({"name": "persona", "value": "nobody-at-all"}, "There is no character called"),
        ({"name": "admin_roles", "value": "1"}, "not for a channel"),
    ],
)
async def test_what_cannot_be_is_explained(here, options, sentence):
    assert sentence in await said(here, here.town.alice, "settings set", **options)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("settings set", {"name": "muted", "value": "on"}),
        ("settings clear", {"name": "muted"}),
        ("mute", {}),
        ("unmute", {}),
        ("listen", {"messages": "on"}),
        ("ambient enable", {}),
        ("ambient disable", {}),
    ],
)
async def test_members_change_nothing(here, command, options):
    assert await said(here, here.town.bob, command, **options) == (
        "You may not change that setting here."
    )
    rules = await here.app.factory.places().of(conversation(here))
    assert not rules.muted
    assert rules.triggers is None


def conversation(here: DiscordApp, channel: Channel | None = None) -> Any:
    found = here.bot.get_channel((channel or here.town.general).id)
    place = place_of(found, None)
    assert place is not None
    return place.conversation


async def test_in_private_everybody_chooses_for_themselves(here):
    town = here.town
    private = town.standin.world.direct_channel(town.bob.user.id, town.bot.user.id)
    told = await said(
        here, town.bob, "settings set", channel=private, name="verbosity", value="quick"
    )
    assert "quick" in told
    refused = await said(
        here,
        town.bob,
        "settings set",
        channel=private,
        name="verbosity",
        value="quick",
        width="server",
    )
    assert "There is no server here" in refused


async def test_values_are_offered_by_what_a_setting_takes(here):
    town, alice = here.town, here.town.alice

    async def values(name: str, typed: str) -> list[str]:
        asked = alice.fills_in(
            town.general, town.bot, "settings set", "value", name=name, value=typed
        )
        return await offered(town, asked)

    assert await values("muted", "o") == ["on", "off"]
    assert await values("timezone", "europe/berl") == ["Europe/Berlin"]
    assert "quick" in await values("verbosity", "")
    assert await values("model", "") == ["scripted"]
    assert await values("nonsense", "") == []
    assert await values("quiet_hours", "22") == []
    library = here.app.factory.library()
    assert set(await values("persona", "")) == {one.slug for one in library.all()}
    assert await values("triggers", "mention, key") == ["mention, keyword"]
    role = town.alice.makes_role(town.guild, "Wardens")
    assert await values("admin_roles", "ward") == [str(role.id)]
    asked = alice.fills_in(town.general, town.bot, "settings set", "name", name="verb", value="x")
    assert await offered(town, asked) == ["verbosity"]


async def test_muting_silences_and_unmuting_ends_it(here):
    town = here.town
    assert "/unmute" in await said(here, town.alice, "mute")
    assert (await here.app.factory.places().of(conversation(here))).muted
    assert "off (this channel)" in await said(here, town.alice, "unmute")
    assert not (await here.app.factory.places().of(conversation(here))).muted


async def test_listening_is_explained_both_ways(here):
    town = here.town
    assert "every message of this channel reaches me" in await said(
        here, town.alice, "listen", messages="on"
    )
    assert (await here.app.factory.places().of(conversation(here))).listens
    assert "only messages that mention me" in await said(here, town.alice, "listen", messages="off")
    assert not (await here.app.factory.places().of(conversation(here))).listens


async def test_joining_in_is_switched_without_touching_other_triggers(here):
    town = here.town
    before = {
        one.name: one.shown for one in await here.app.factory.places().overview(conversation(here))
    }["triggers"].split(", ")
    told = await said(here, town.alice, "ambient enable", chance="7%")
    assert "a chance of 7%" in told
    assert "/listen on" in told
    rules = await here.app.factory.places().of(conversation(here))
    assert set(rules.triggers or ()) == {*before, "ambient"}
    assert "a chance of 7%" in await said(here, town.bob, "ambient status")
    assert "Nobody joins in" in await said(here, town.alice, "ambient disable")
    rules = await here.app.factory.places().of(conversation(here))
    assert set(rules.triggers or ()) == {*before} - {"ambient"}


async def test_an_impossible_chance_enables_nothing(here):
    told = await said(here, here.town.alice, "ambient enable", chance="often")
    assert told.startswith("Write a chance")
    assert (await here.app.factory.places().of(conversation(here))).triggers is None


async def test_blocked_people_get_no_answer_until_they_are_unblocked(here):
    town = here.town
    assert "not answered any more" in await said(here, town.alice, "block", user=town.bob.user)
    assert await said(here, town.bob, "settings show") == "You are not answered here."
    listed = await said(here, town.alice, "blocks")
    assert listed == f"<@{town.bob.user.id}>: blocked in this server"
    assert "is answered again" in await said(here, town.alice, "unblock", user=town.bob.user)
    assert "was not blocked" in await said(here, town.alice, "unblock", user=town.bob.user)
    assert await said(here, town.alice, "blocks") == "Nobody is blocked here."
    assert "1 / 3" in await said(here, town.bob, "settings show")


async def test_nobody_blocks_above_themselves_or_the_bot(here):
    town = here.town
    role = town.alice.makes_role(town.guild, "Mods", permissions=int(Permission.MANAGE_MESSAGES))
    town.alice.gives_role(town.guild, town.bob.user, role)
    assert "may do as much" in await said(here, town.bob, "block", user=town.alice.user)
    assert "somebody else" in await said(here, town.bob, "block", user=town.bob.user)
    assert "somebody else" in await said(here, town.bob, "block", user=town.bot.user)
    everywhere = {"user": town.alice.user, "everywhere": True}
    assert "Only owners" in await said(here, town.bob, "block", **everywhere)
    assert "Only owners" in await said(
        here, town.alice, "unblock", user=town.bob.user, everywhere=True
    )
    assert await here.app.factory.permissions().stored(conversation(here)) == []


async def test_members_are_not_even_offered_these(here):
    town = here.town
    for command, options in (
        ("block", {"user": town.alice.user}),
        ("unblock", {"user": town.alice.user}),
        ("blocks", {}),
        ("role grant", {"user": town.alice.user, "role": "admin"}),
        ("role revoke", {"user": town.alice.user}),
        ("role list", {}),
    ):
        with pytest.raises(NotOffered):
            town.bob.uses(town.general, town.bot, command, **options)


async def test_the_check_holds_even_where_discord_offers_the_commands(here):
    """Servers can open commands to everybody; the roles are checked anyway."""
    town = here.town
    for command in town.standin.world.commands.values():
        command.data.pop("default_member_permissions", None)
    for command, options, least in (
        ("block", {"user": town.alice.user}, "moderators"),
        ("unblock", {"user": town.alice.user}, "moderators"),
        ("blocks", {}, "moderators"),
        ("role grant", {"user": town.alice.user, "role": "admin"}, "admins"),
        ("role revoke", {"user": town.alice.user}, "admins"),
        ("role list", {}, "admins"),
    ):
        assert f"Only {least}" in await said(here, town.bob, command, **options)


async def test_a_role_lets_somebody_change_settings(here):
    town = here.town
    assert await said(here, town.alice, "role list") == "No roles were given here."
    told = await said(here, town.alice, "role grant", user=town.bob.user, role="moderator")
    assert "is moderator in this server now" in told
    assert "moderator in this server" in await said(here, town.alice, "role list")
    assert "/unmute" in await said(here, town.bob, "mute")
    await said(here, town.alice, "role revoke", user=town.bob.user)
    assert "may not" in await said(here, town.bob, "unmute")


async def test_nobody_gives_a_role_as_high_as_their_own(here):
    town = here.town
    told = await said(here, town.alice, "role grant", user=town.bob.user, role="admin")
    assert told == "You may only give roles below your own."


async def test_a_block_in_a_channel_is_listed_by_its_width(here):
    town = here.town
    permissions = here.app.factory.permissions()
    place = conversation(here)
    await permissions.block(account(town.bob.user.id), Scope.channel(place), by=Role.OWNER)
    await permissions.block(account(77), Scope.everywhere(), by=Role.OWNER)
    await permissions.grant(account(78), Scope.guild(place), Role.MODERATOR, by=Role.OWNER)
    stored = await permissions.stored(place)
    assert [(one.scope.kind, one.role) for one in stored] == [
        (ScopeKind.CHANNEL, None),
        (ScopeKind.GUILD, Role.MODERATOR),
        (ScopeKind.GLOBAL, None),
    ]
    listed = await said(here, town.alice, "blocks")
    assert "in this channel" in listed
    assert "everywhere" in listed
    assert "moderator" not in listed
