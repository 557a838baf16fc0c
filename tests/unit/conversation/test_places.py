"""Choosing what holds in threads, channels, servers and everywhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from services.conversation.place_settings import REMEMBER
from services.conversation.places import PlaceSettings, Where
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import ConversationId
from services.domain.people import Role
from services.people.scopes import Asker, Scope, ScopedSettings, ScopeKind
from services.persona.library import CharacterLibrary
from services.persona.prompts import PromptLibrary
from services.settings import DiscordSettings, GateSettings
from tests.fakes.troupe import write_cards
from tests.unit.storage.samples import ALICE, PLACE, database_in

PROMPTS = Path(__file__).parents[3] / "prompts"
THREAD = ConversationId("discord", "1", "2:77")
BESIDE = ConversationId("discord", "1", "3")
ELSEWHERE = ConversationId("discord", "9", "9")
WIDTHS = {
    ScopeKind.CHANNEL: Role.MODERATOR,
    ScopeKind.GUILD: Role.ADMIN,
    ScopeKind.GLOBAL: Role.OWNER,
}
SAMPLES = {
    "persona": ("ben", "Ben"),
    "model": ("qwen3@ollama", "qwen3@ollama"),
    "prompt": ("Speak English.\nBe kind.", "Speak English.\nBe kind."),
    "triggers": ("Ambient, mention", "mention, ambient"),
    "keywords": ("pizza, ice cream, pizza", "pizza, ice cream"),
    "ambient_chance": ("12.5%", "12.5%"),
    "verbosity": ("Storytelling", "storytelling (450 tokens)"),
    "framework": ("Caring", "caring"),
    "remember": ("on", "on"),
    "listen": ("yes", "on"),
    "tools": ("off", "off"),
    "muted": ("on", "on"),
    "quiet_hours": ("22:00 - 7:00", "22:00-07:00"),
    "timezone": ("berlin", "Europe/Berlin"),
    "answer_bots": ("on", "on"),
    "user_limit": ("3", "3"),
    "channel_limit": ("30", "30"),
    "blocked_words": ("spam, /fr(ee|i), *nitro/i", "spam, /fr(ee|i), *nitro/i"),
    "captions": ("on", "on"),
    "aloud": ("on", "on"),
    "wake": ("by_name", "by_name"),
    "autojoin": ("on", "on"),
    "autoleave": ("5", "5 minutes"),
    "admin_roles": ("123, 456", "123, 456"),
}
WRONG = {
    "persona": "Bne",
    "model": "two\nlines",
    "prompt": "x" * 2001,
    "triggers": "mention, telepathy",
    "keywords": ",".join(f"w{n}" for n in range(51)),
    "ambient_chance": "120%",
    "verbosity": "501",
    "framework": "grumpy",
    "remember": "maybe",
    "listen": "",
    "tools": "2",
    "muted": "x",
    "quiet_hours": "late",
    "timezone": "Middle/Earth",
    "answer_bots": "-",
    "user_limit": "0",
    "channel_limit": "1e3",
    "blocked_words": "fine, /(/",
    "captions": "loud",
    "aloud": "loud",
    "wake": "sometimes",
    "autojoin": "soon",
    "autoleave": "1441",
    "admin_roles": "@everyone!",
}


@pytest.fixture
async def scopes(tmp_path, clock):
    async with database_in(tmp_path, clock) as database:
        yield ScopedSettings(database, clock=clock)


@pytest.fixture
async def places(scopes, tmp_path):
    library = CharacterLibrary(write_cards(tmp_path / "cards"), default="ann")
    async with library:
        yield PlaceSettings(
            scopes,
            library=library,
            prompts=PromptLibrary(PROMPTS),
            gate=GateSettings(),
            discord=DiscordSettings(),
        )


async def change(places, name, value, *, place=PLACE, width=ScopeKind.CHANNEL, role=Role.OWNER):
    return await places.change(place, name, value, width=width, by=ALICE, role=role)


async def test_every_setting_is_written_shown_and_taken_back(places):
    assert set(SAMPLES) == {setting.name for setting in places.listed()}
    for setting in places.listed():
        width = max(setting.scopes, key=list(WIDTHS).index)
        before = {one.name: one for one in await places.overview(PLACE)}[setting.name]
        assert before.where is Where.DEFAULT
        written, shown = SAMPLES[setting.name]
        chosen = await change(places, setting.name, written, width=width)
        assert (chosen.name, chosen.shown) == (setting.name, shown)
        again = await change(places, setting.name, chosen.shown.split(" (")[0], width=width)
        assert again == chosen
        assert setting.description.endswith(".")
        assert await change(places, setting.name, None, width=width) == before


async def test_a_value_that_is_none_is_refused_and_changes_nothing(places):
    assert set(WRONG) == set(SAMPLES)
    before = await places.overview(PLACE)
    for name, wrong in WRONG.items():
        width = ScopeKind.GUILD if name == "admin_roles" else ScopeKind.CHANNEL
        with pytest.raises((InvalidRequest, NotFound)) as refused:
            await change(places, name, wrong, width=width)
        assert refused.value.user_message.endswith((".", "?")), name
        assert "\n" not in refused.value.user_message
    assert await places.overview(PLACE) == before


async def test_close_names_are_offered(places):
    with pytest.raises(NotFound, match="Ben"):
        await change(places, "persona", "Bne")
    with pytest.raises(NotFound, match="quiet_hours"):
        await change(places, "quiethours", "22:00-07:00")
    with pytest.raises(InvalidRequest, match="caring"):
        await change(places, "framework", "carin")
    with pytest.raises(InvalidRequest, match="keyword"):
        await change(places, "triggers", "keywrd")


@pytest.mark.parametrize(("width", "enough"), WIDTHS.items())
async def test_wider_choices_take_higher_roles(places, width, enough):
    with pytest.raises(NotAllowed):
        await change(places, "muted", "on", width=width, role=Role(enough - 1))
    with pytest.raises(NotAllowed):
        await change(places, "muted", None, width=width, role=Role(enough - 1))
    assert not (await places.of(PLACE)).muted
    await change(places, "muted", "on", width=width, role=enough)
    assert (await places.of(PLACE)).muted


async def test_who_may_not_choose_hears_nothing_of_the_value(places):
    with pytest.raises(NotAllowed):
        await change(places, "persona", "nobody knows", role=Role.MEMBER)


async def test_where_a_choice_was_made_is_told(places):
    async def where(place):
        return {one.name: one.where for one in await places.overview(place)}["muted"]

    await change(places, "muted", "on", width=ScopeKind.GLOBAL)
    assert await where(ELSEWHERE) is Where.EVERYWHERE
    await change(places, "muted", "on", width=ScopeKind.GUILD)
    assert [await where(BESIDE), await where(ELSEWHERE)] == [Where.SERVER, Where.EVERYWHERE]
    await change(places, "muted", "off")
    assert [await where(PLACE), await where(THREAD)] == [Where.CHANNEL, Where.CHANNEL]
    shadowed = await change(places, "muted", "on", width=ScopeKind.GUILD)
    assert (shadowed.shown, shadowed.where) == ("off", Where.CHANNEL)
    await change(places, "muted", "on", place=THREAD)
    assert [await where(PLACE), await where(THREAD)] == [Where.CHANNEL, Where.THREAD]
    assert [(await places.of(one)).muted for one in (PLACE, THREAD, BESIDE)] == [False, True, True]


async def test_some_settings_have_one_width(places):
    with pytest.raises(InvalidRequest, match="admin_roles is chosen for a server"):
        await change(places, "admin_roles", "1")
    with pytest.raises(InvalidRequest, match="not for a person"):
        await change(places, "muted", "on", width=ScopeKind.USER)


async def test_direct_messages_share_no_server(places):
    own, other = (ConversationId("discord", "dm", name) for name in ("5", "6"))
    with pytest.raises(InvalidRequest, match="no server"):
        await change(places, "muted", "on", place=own, width=ScopeKind.GUILD)
    await change(places, "muted", "on", place=own)
    assert not (await places.of(other)).muted


async def test_listening_follows_the_installation_until_somebody_chooses(places, scopes, tmp_path):
    library = places._library
    everywhere = PlaceSettings(
        scopes,
        library=library,
        prompts=PromptLibrary(PROMPTS),
        gate=GateSettings(),
        discord=DiscordSettings(listen="everywhere"),
    )
    assert not (await places.of(PLACE)).listens
    assert (await everywhere.of(PLACE)).listens
    await change(places, "listen", "on")
    assert (await places.of(PLACE)).listens
    await change(places, "listen", "off")
    assert not (await everywhere.of(PLACE)).listens
    room = ConversationId("web", "room", "5")
    await change(places, "listen", "off", place=room)
    assert (await places.of(room)).listens


async def test_what_the_platform_says_of_adults_is_written_only_when_it_changes(places, scopes):
    assert not (await places.of(PLACE)).adults
    before = scopes.changes
    assert not (await places.note_adults(PLACE, adults=False)).adults
    assert scopes.changes == before
    assert (await places.note_adults(PLACE, adults=True)).adults
    assert scopes.changes > before
    assert (await places.of(THREAD)).adults
    assert not (await places.of(BESIDE)).adults
    assert (await places.of(ConversationId("console", "local", "main"))).adults


async def test_known_rules_cost_no_query_and_a_change_is_seen_at_once(places, scopes):
    assert places.known(PLACE) is None
    rules = await places.of(PLACE)
    assert places.known(PLACE) is rules
    assert await places.of(PLACE) is rules
    owner = Asker(account=ALICE.id, role=Role.OWNER)
    await scopes.set(REMEMBER, Scope.everywhere(), True, asker=owner)
    assert places.known(PLACE) is None
    assert (await places.of(PLACE)).remember
    async with scopes._database.transaction() as tx:
        await tx.run(lambda connection: connection.execute(text("DROP TABLE scoped_settings")))
    assert (await places.of(PLACE)).remember


async def test_rules_read_while_somebody_chooses_are_not_kept_too_long(places):
    await asyncio.gather(
        *(places.of(PLACE) for _ in range(5)),
        change(places, "muted", "on"),
        *(places.of(PLACE) for _ in range(5)),
    )
    assert (await places.of(PLACE)).muted


async def test_a_stored_value_of_another_version_is_passed_over(places, scopes):
    await change(places, "verbosity", "300", width=ScopeKind.GUILD)
    await change(places, "verbosity", "75")
    await change(places, "quiet_hours", "22:00-07:00")
    async with scopes._database.transaction() as tx:
        await tx.run(
            lambda connection: connection.execute(
                text("UPDATE scoped_settings SET value = '\"odd\"' WHERE scope = 'channel'")
            )
        )
    scopes.refresh()
    rules = await places.of(PLACE)
    assert (rules.verbosity, rules.quiet_hours) == (300, None)
    assert {one.name: one.shown for one in await places.overview(PLACE)}["verbosity"] == (
        "detailed (300 tokens)"
    )


@pytest.mark.parametrize(
    ("said", "blocked"),
    [("what SPAM this is", True), ("spammer", False), ("get free, nitro", True), ("fine", False),
     ("spam " * 20_000, True)],
)  # fmt: skip
async def test_blocked_words_are_whole_words_or_expressions(places, said, blocked):
    await change(places, "blocked_words", SAMPLES["blocked_words"][0])
    assert await (await places.of(PLACE)).blocked.found_in(said) is blocked
