"""Being forgotten: nothing of one's words is left, and nobody else loses theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from services.domain.errors import NotFound
from services.domain.ids import MessageId, PersonId
from services.domain.people import Role
from services.memory.forgetting.redaction import FORGOTTEN
from services.people.permissions import Permissions
from services.people.personas import UserPersonaBook
from services.people.scopes import Scope
from services.storage.tables import recollections
from tests.fakes.clock import ManualClock
from tests.unit.forgetting.world import (
    ALICE,
    ALICE_HERE,
    BOB,
    GUILD,
    MIRA,
    PRIVATE,
    World,
    every_table,
    traces,
    world_in,
)

SECRET = "my allotment in Zwickelford grows purple kohlrabi beside the old brewery"
CODE = "quokka-zanzibar-77"
PRIVATE_SECRET = "nobody knows that I sleepwalk through the observatory with a lantern"
PIECES = (
    "Zwickelford", "purple kohlrabi beside", CODE, "sleepwalk through the observatory",
    "Alyssandra", "1000200030004",
)  # fmt: skip


@pytest.fixture
async def world(tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    async with world_in(tmp_path / "data", clock) as opened:
        yield opened


async def spoken(world: World) -> PersonId:
    """Let Alice, Bob and Mira talk; Alice is one person with two accounts."""
    person = await world.link(ALICE, ALICE_HERE)
    await world.say("The brass kettle on my boat whistles at dawn.", BOB)
    first = await world.say(
        f"Listen: {SECRET}.", ALICE, present=[BOB], attachment=b"Zwickelford deed", external=("77",)
    )
    await world.say(
        "Lovely! An allotment in Zwickelford, then.", MIRA, present=[BOB, ALICE], answers=first
    )
    await world.say(
        f"She said that {SECRET}, did you hear?", BOB, present=[ALICE], mentions=(ALICE.id,)
    )
    second = await world.say(f"The gate opens with {CODE} by the way", ALICE, present=[BOB])
    last = await world.say(f"Noted, Alyssandra: {CODE}.", MIRA, present=[ALICE], answers=second)
    await world.say("I feed seven herons every single morning.", BOB)
    hidden = await world.say(PRIVATE_SECRET, ALICE_HERE, place=PRIVATE)
    await world.say("You wander at night, then.", MIRA, place=PRIVATE, answers=hidden)
    await world.learn(first, "Zwickelford", about=ALICE, slot="allotment")
    await world.sum_up(first, last, f"Alyssandra has {SECRET}.")
    return person


async def test_after_forgetting_no_file_holds_a_piece_of_the_text(
    world: World, tmp_path: Path
) -> None:
    person = await spoken(world)
    logs = world.data / "logs"
    logs.mkdir()
    (logs / "acore.log").write_text(
        '{"message": "started"}\n{"text": "' + SECRET + '"}\n{"message": "ended"}\n'
    )
    (logs / "acore.log.1").write_text(f"old {CODE} line\nkept line\n")
    (world.data / "console_history").write_text(f"# now\n+{PRIVATE_SECRET}\n")
    (world.data / "clips").mkdir()
    (world.data / "clips" / "a.wav").write_bytes(b"Zwickelford")
    assert set(traces(world.data, *PIECES)) >= {"logs/acore.log", "console_history"}
    receipt = await world.forgetting.forget(person)
    assert traces(world.data, *PIECES) == {}
    assert await world.found("Zwickelford") == 0
    assert receipt.clean
    assert receipt.scan is not None
    assert receipt.scan.strings > 5
    assert receipt.counts["messages"] == 4
    assert receipt.counts["accounts"] == 2
    assert receipt.counts["attachments"] == 1
    assert receipt.counts["facts"] == 1
    assert [line for line in (logs / "acore.log").read_text().splitlines() if line.strip()] == [
        '{"message": "started"}',
        '{"message": "ended"}',
    ]
    assert "kept line" in (logs / "acore.log.1").read_text()


async def test_quotes_of_others_are_redacted_and_the_rest_of_them_stays(world: World) -> None:
    person = await spoken(world)
    await world.forgetting.forget(person)
    assert await world.texts() == [
        "The brass kettle on my boat whistles at dawn.",
        f"Lovely! An {FORGOTTEN} in {FORGOTTEN}, then.",
        f"She said that {FORGOTTEN}, did you hear?",
        f"Noted, {FORGOTTEN}.",
        "I feed seven herons every single morning.",
    ]
    assert await world.texts(PRIVATE) == []


async def test_rows_of_others_are_byte_for_byte_the_same(world: World) -> None:
    bob = await world.person(BOB)
    kept = await world.say("The brass kettle on my boat whistles at dawn.", BOB, attachment=b"b")
    fact = await world.learn(kept, "a boat", about=BOB, slot="owns")
    await world.sum_up(kept, kept, "Bob has a boat with a kettle.")
    before = {table: await world.rows(table) for table in every_table()}
    words = await world.rows("recollection_words")
    person = await world.person(ALICE)
    await world.say(SECRET, ALICE, place=PRIVATE)
    await world.forgetting.forget(person)
    after = {table: await world.rows(table) for table in every_table()}
    for table in set(before) - {
        "erasures",
        "messages",
        "rosters",
        "roster_members",
        "conversations",
    }:
        assert set(map(repr, after[table])) >= set(map(repr, before[table])), table
    assert set(map(repr, before["messages"])) <= set(map(repr, after["messages"]))
    assert await world.rows("recollection_words") == words
    assert fact in repr(after["facts"])
    assert bob in repr(after["people"])


async def test_the_tree_stays_whole_and_numbers_are_not_used_again(world: World) -> None:
    person = await spoken(world)
    await world.forgetting.forget(person)
    rows = await world.rows("messages")
    assert len(rows) == 9
    entry = await world.say("What did I miss?", BOB)
    assert entry.ordinal == 8
    parents = {row[0] for row in rows}
    assert all(row[3] is None or row[3] in parents for row in rows)


async def test_the_person_comes_back_as_somebody_new(world: World) -> None:
    person = await spoken(world)
    await world.forgetting.forget(person)
    again = await world.person(ALICE)
    assert again != person
    entry = await world.say("Hello there, is anyone at home?", ALICE, present=[BOB])
    async with world.database.reader() as snapshot:
        stored = await world.history.entry(snapshot, entry.message.id)
    assert stored.witnesses >= {ALICE.id, BOB.id}
    private = await world.say("Hello again, my dear.", ALICE_HERE, place=PRIVATE)
    assert private.parent is None
    assert await world.texts(PRIVATE) == ["Hello again, my dear."]


async def test_everything_that_is_known_of_a_person_goes(world: World, clock: ManualClock) -> None:
    person = await spoken(world)
    book = UserPersonaBook(database=world.database, clock=clock, ids=world.ids)
    await book.add(ALICE.id, "Morrigan", "A falconer with one glass eye from Tarnhelm.")
    permissions = Permissions(world.database)
    await permissions.grant(ALICE.id, Scope.guild(GUILD), Role.MODERATOR, by=Role.OWNER)
    await permissions.block(ALICE_HERE.id, Scope.everywhere(), by=Role.OWNER)
    await world.forgetting.forget(person)
    for table in set(every_table()) - {"erasures", "roles"}:
        for row in await world.rows(table):
            assert person not in map(str, row), table
            assert str(ALICE.id) not in map(str, row), table
    assert [row[2:] for row in await world.rows("roles")] == [("console:aly", -1)]
    assert traces(world.data, "Tarnhelm", "Morrigan") == {}


async def test_vectors_of_the_person_and_of_what_followed_are_dropped(world: World) -> None:
    person = await world.person(ALICE)
    await world.say(SECRET, ALICE)
    await world.say("I feed seven herons every single morning.", BOB)
    async with world.database.transaction() as tx:
        await tx.run(
            lambda c: c.execute(update(recollections).values(embedder="e", embedding=b"1234"))
        )
    await world.forgetting.forget(person)
    rows = await world.rows("recollections")
    assert len(rows) == 1
    assert rows[0][-1] is None
    assert {each.row for each in world.index.rows} >= {1, 2}
    assert world.index.thorough
    assert world.index.swept


async def test_answers_are_hushed_and_caches_are_told(world: World) -> None:
    person = await spoken(world)
    await world.forgetting.forget(person)
    assert world.live.hushed == {str(GUILD), str(PRIVATE)}
    assert {one.person for one in world.live.told} == {person}
    assert world.live.told[-1].accounts == (ALICE_HERE.id, ALICE.id)


async def test_nobody_is_not_forgotten(world: World) -> None:
    with pytest.raises(NotFound, match="Nothing is known"):
        await world.forgetting.forget(PersonId("nobody"))


async def test_one_message_is_forgotten_alone(world: World) -> None:
    person = await world.person(ALICE)
    gone = await world.say(f"Listen: {SECRET}.", ALICE, present=[BOB])
    await world.say(f"So {SECRET}, you say.", MIRA, present=[ALICE], answers=gone)
    await world.say("I feed seven herons every single morning.", ALICE, present=[BOB])
    await world.learn(gone, "Zwickelford", about=ALICE, slot="allotment")
    receipt = await world.forgetting.forget_messages(person, [gone.message.id])
    assert receipt.counts == {"messages": 1, "facts": 1, "lessons": 1, "redacted": 1, "notes": 1}
    assert await world.texts() == [
        f"So {FORGOTTEN}, you say.",
        "I feed seven herons every single morning.",
    ]
    assert await world.found("Zwickelford") == 0
    assert len(await world.rows("people")) == 2 - 1


async def test_the_messages_of_another_are_not_forgotten(world: World) -> None:
    person = await world.person(ALICE)
    theirs = await world.say("I feed seven herons every single morning.", BOB)
    with pytest.raises(NotFound):
        await world.forgetting.forget_messages(person, [theirs.message.id, MessageId("none")])
    assert await world.texts() == ["I feed seven herons every single morning."]


async def test_old_copies_of_the_database_leave_the_data_folder(world: World) -> None:
    person = await spoken(world)
    (world.data / "backups").mkdir()
    (world.data / "backups" / "before-0002-20260101-000000.db").write_text(SECRET)
    (world.data / "replaced-20260101-000000").mkdir()
    (world.data / "replaced-20260101-000000" / "acore.db").write_text(SECRET)
    receipt = await world.forgetting.forget(person)
    assert receipt.clean
    assert traces(world.data, *PIECES) == {}
    assert sorted(path.name for path in world.backups.iterdir()) == [
        "before-0002-20260101-000000.db",
        "replaced-20260101-000000",
    ]


async def test_what_the_scan_finds_is_in_the_receipt(world: World) -> None:
    person = await spoken(world)
    (world.data / "documents").mkdir()
    (world.data / "documents" / "copy.md").write_text(f"We know that {SECRET}.")
    receipt = await world.forgetting.forget(person)
    assert not receipt.clean
    assert receipt.scan is not None
    assert [name for name, _ in receipt.scan.found] == ["documents/copy.md"]
