"""Forgetting a place: nothing of it is left, and everything said elsewhere stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, update

from services.domain.errors import NotFound
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, Role
from services.lists.holding import ListHolding
from services.lists.lists import Lists
from services.memory.forgetting.erasures import Stage
from services.memory.forgetting.service import Forgetting
from services.people.permissions import Permissions
from services.people.personas import UserPersonaBook
from services.people.profiles import Binding
from services.people.scopes import Asker, Scope, ScopedSetting, ScopedSettings, ScopeKind
from services.storage.tables import (
    affections,
    audiences,
    conversation_states,
    erasures,
    pending_actions,
    turns,
)
from tests.fakes.clock import ManualClock
from tests.unit.forgetting.world import (
    ALICE,
    ALICE_HERE,
    BOB,
    GUILD,
    MIRA,
    World,
    every_table,
    traces,
    world_in,
)

PLACE = "discord:1"
THREAD = ConversationId("discord", "1", "2:3")
NEIGHBOUR = ConversationId("discord", "12", "2")
DIRECT = ConversationId("discord", "dm", "7")
SECRET = "my allotment in Zwickelford grows purple kohlrabi beside the old brewery"
SHARED = "seven herons eat from my hand every single morning"
PIECES = ("Zwickelford", "purple kohlrabi beside", "brass kettle on my boat")
STYLE: ScopedSetting[str] = ScopedSetting("style", str, default="")
ADMIN = Asker(account=BOB.id, role=Role.OWNER)


@pytest.fixture
async def world(tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    async with world_in(tmp_path / "data", clock) as opened:
        yield opened


async def talk(world: World, place: ConversationId) -> None:
    """Let Alice, Bob and Mira talk, with everything that comes of it."""
    first = await world.say(
        f"Listen: {SECRET}.", ALICE, place=place, present=[BOB], attachment=b"Zwickelford deed",
        external=(f"77{place.scope}{len(place.channel)}",),
    )  # fmt: skip
    answer = await world.say(
        "An allotment in Zwickelford, then.", MIRA, place=place, present=[BOB], answers=first
    )
    await world.say("The brass kettle on my boat whistles at dawn.", BOB, place=place)
    await world.learn(first, "Zwickelford", about=ALICE, slot=f"allotment {place.channel}")
    await world.sum_up(first, answer, f"Alyssandra has {SECRET}.")


async def furnish(world: World, clock: ManualClock, place: ConversationId) -> None:
    """Choose, grant and note things in a place."""
    scopes = ScopedSettings(world.database, clock=clock)
    for scope in (Scope.channel(place), Scope.guild(place)):
        await scopes.set(STYLE, scope, f"terse in {place.scope}", asker=ADMIN)
    permissions = Permissions(world.database)
    await permissions.grant(BOB.id, Scope.guild(place), Role.ADMIN, by=Role.OWNER)
    await permissions.block(ALICE.id, Scope.channel(place), by=Role.OWNER)
    book = UserPersonaBook(database=world.database, clock=clock, ids=world.ids)
    name = f"Falconer {place.scope} {len(place.channel)}"
    falconer = await book.add(BOB.id, name, "A falconer with one glass eye.")
    await book.use(BOB.id, falconer.name, Binding.here(place))
    async with world.database.transaction() as tx:
        await tx.run(_note, place, clock)


def _note(connection: Connection, place: ConversationId, clock: ManualClock) -> None:
    connection.execute(
        insert(pending_actions).values(
            id=f"action {place}", turn_id="x", conversation_id=str(place), persona_id="mira",
            tool="t", arguments={"at": "Zwickelford"}, question="Zwickelford?", state="waiting",
            created_at=clock.now(), expires_at=clock.now(),
        )
    )  # fmt: skip
    connection.execute(
        insert(conversation_states).values(
            conversation_id=str(place), persona_id="mira", state={"at": "Zwickelford"},
            updated_at=clock.now(),
        )
    )  # fmt: skip


async def test_nothing_of_a_place_is_left(world: World, clock: ManualClock) -> None:
    for place in (GUILD, THREAD):
        await talk(world, place)
        await furnish(world, clock, place)
    (world.data / "logs").mkdir()
    (world.data / "logs" / "acore.log").write_text(f"{SECRET}\nkept line\n")
    receipt = await world.forgetting.forget_place(PLACE)
    assert receipt.clean
    assert receipt.scan is not None
    assert receipt.scan.strings > 3
    assert receipt.counts["messages"] == 6
    assert receipt.counts["conversations"] == 2
    assert receipt.counts["facts"] == 2
    assert traces(world.data, *PIECES, "terse in 1") == {}
    assert await world.found("Zwickelford") == 0
    left = {table for table in every_table() if await world.rows(table)}
    # Bob keeps the personas that he made for himself, and so he is known.
    assert left == {"accounts", "people", "erasures", "user_personas"}
    assert [row[2] for row in await world.rows("user_personas")] == ["Falconer 1 1", "Falconer 1 3"]
    assert "kept line" in (world.data / "logs" / "acore.log").read_text()


async def test_rows_of_other_places_are_byte_for_byte_the_same(
    world: World, clock: ManualClock
) -> None:
    for place in (NEIGHBOUR, DIRECT):
        await talk(world, place)
        await furnish(world, clock, place)
    before = {table: await world.rows(table) for table in every_table()}
    words = await world.rows("recollection_words")
    for place in (GUILD, THREAD):
        await talk(world, place)
    receipt = await world.forgetting.forget_place(PLACE)
    after = {table: await world.rows(table) for table in every_table()}
    for table in set(before) - {"erasures"}:
        assert after[table] == before[table], table
    assert await world.rows("recollection_words") == words
    assert receipt.clean


async def test_text_that_was_said_elsewhere_too_is_not_sought_and_stays(world: World) -> None:
    await world.say(f"You know, {SHARED}.", ALICE)
    await world.say(f"Did I say that {SHARED}?", ALICE, place=DIRECT)
    receipt = await world.forgetting.forget_place(PLACE)
    assert receipt.clean
    assert await world.texts(DIRECT) == [f"Did I say that {SHARED}?"]


async def test_explanations_elsewhere_lose_what_they_quote(world: World) -> None:
    await talk(world, GUILD)
    asked = await world.say("What do you know of me?", ALICE, place=DIRECT)
    await world.say("Little enough.", MIRA, place=DIRECT, answers=asked)
    recalled = {"recalled": [{"text": f"She said: {SECRET}."}], "heard": "What do you know of me?"}
    async with world.database.transaction() as tx:
        await tx.run(
            lambda c: c.execute(
                update(turns).where(turns.c.conversation_id == str(DIRECT)).values(why=recalled)
            )
        )
    receipt = await world.forgetting.forget_place(PLACE)
    assert receipt.clean
    assert traces(world.data, *PIECES) == {}
    assert "What do you know of me?" in repr(await world.rows("turns"))


async def test_who_is_known_from_nowhere_else_is_forgotten_too(
    world: World, clock: ManualClock
) -> None:
    linked = Author(id=ALICE_HERE.id, display_name="Aly")
    carol = Author(id=AuthorId("discord", "9000900090009"), display_name="Carolina")
    await world.say("I came from the console to this place.", linked, place=GUILD)
    await world.link(ALICE, linked)
    await world.say("A stranger whom nobody else has ever met.", BOB, present=[carol])
    await world.person(carol)
    await world.say("I talk in private, too, every now and then.", carol, place=DIRECT)
    async with world.database.transaction() as tx:
        await tx.run(
            lambda c: c.execute(
                insert(affections),
                [
                    {
                        "person_id": person, "persona_id": "mira", "value": 3, "changed_here": 1,
                        "conversation_id": str(GUILD), "updated_at": clock.now(),
                    }
                    for person in sorted(str(row[0]) for row in c.exec_driver_sql(
                        "SELECT id FROM people"))
                ],
            )
        )  # fmt: skip
    await world.forgetting.forget_place(PLACE)
    names = {row[1] for row in await world.rows("people")}
    assert names == {"Alyssandra", "Carolina"}
    assert {(row[2], row[3]) for row in await world.rows("affections")} == {(3, None)}
    assert len(await world.rows("affections")) == 2
    assert traces(world.data, str(BOB.id.user)) == {}


async def test_talk_goes_on_in_a_place_that_was_forgotten(world: World) -> None:
    await talk(world, GUILD)
    await world.forgetting.forget_place(PLACE)
    entry = await world.say("Good morning, everybody in here!", ALICE, present=[BOB])
    assert entry.parent is None
    assert await world.texts(GUILD) == ["Good morning, everybody in here!"]
    again = await world.forgetting.forget_place(PLACE)
    assert again.counts["messages"] == 1


async def test_a_place_of_which_only_settings_are_known_is_forgotten(
    world: World, clock: ManualClock
) -> None:
    scopes = ScopedSettings(world.database, clock=clock)
    await scopes.set(STYLE, Scope(ScopeKind.GUILD, PLACE), "terse", asker=ADMIN)
    receipt = await world.forgetting.forget_place(PLACE)
    assert receipt.counts == {"settings": 1}
    assert await world.rows("scoped_settings") == []


async def test_a_place_nobody_knows_is_not_forgotten(world: World) -> None:
    await talk(world, NEIGHBOUR)
    with pytest.raises(NotFound, match="Nothing is known"):
        await world.forgetting.forget_place(PLACE)


async def test_messages_off_the_branch_and_deleted_ones_go_as_well(world: World) -> None:
    first = await world.say("The brass kettle on my boat whistles at dawn.", BOB)
    await world.say(SECRET, ALICE, parent=first.message.id)
    other = await world.say(f"Indeed {SECRET}, said otherwise.", ALICE, parent=first.message.id)
    await world.forgetting.forget_messages(await world.person(ALICE), [other.message.id])
    await world.forgetting.forget_place(PLACE)
    assert await world.rows("messages") == []
    assert traces(world.data, *PIECES) == {}


async def test_the_journal_keeps_who_was_there_only_while_it_runs(world: World) -> None:
    await talk(world, GUILD)
    await world.forgetting.forget_place(PLACE)

    def read(connection: Connection) -> tuple[object, object, object]:
        columns = erasures.c.accounts, erasures.c.place, erasures.c.state
        return tuple(connection.execute(select(*columns)).one())

    async with world.database.reader() as snapshot:
        assert await snapshot.run(read) == ({}, PLACE, Stage.FINISHED.value)
        assert (
            await snapshot.run(
                lambda c: c.execute(select(func.count()).select_from(audiences)).scalar_one()
            )
            == 0
        )


async def test_caches_are_told_that_a_place_is_gone(world: World) -> None:
    await talk(world, GUILD)
    await talk(world, DIRECT)
    await world.forgetting.forget_place(PLACE)
    assert world.live.hushed == {str(GUILD)}
    assert {one.place for one in world.live.told} == {PLACE}
    assert {one.conversations for one in world.live.told} == {frozenset({str(GUILD)})}
    assert {one.person for one in world.live.told} == {None}
    assert world.index.thorough


async def test_a_place_in_which_people_only_used_commands_is_forgotten(
    world: World, clock: ManualClock
) -> None:
    forgetting = Forgetting(
        database=world.database,
        blobs=world.blobs,
        data=world.data,
        backups=world.backups,
        clock=clock,
        ids=world.ids,
        holdings=[ListHolding()],
    )
    lists = Lists(database=world.database, clock=clock)
    await lists.add("party", ["cake"], by=ALICE, where=THREAD, shared=True)
    await lists.add("party", ["cake"], by=ALICE, where=NEIGHBOUR, shared=True)
    assert not (await forgetting.known_of(PLACE)).empty
    assert await lists.all(by=BOB, where=THREAD), "looking takes nothing away"
    assert (await forgetting.forget_place(PLACE)).counts["lists"]
    assert await lists.all(by=BOB, where=THREAD) == []
    assert await lists.all(by=BOB, where=NEIGHBOUR)
    with pytest.raises(NotFound):
        await forgetting.forget_place(PLACE)
