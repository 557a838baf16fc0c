"""What people note about themselves, and where it holds."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import AuthorId, ConversationId, PersonaId, UlidSource
from services.people.personas import UserPersonaBook
from services.people.profiles import (
    MOST_BINDINGS,
    MOST_CHARACTERS,
    MOST_PERSONAS,
    Binding,
    PersonaChange,
    PersonaPlace,
    PersonaRole,
)
from services.settings import StorageSettings
from services.storage.database import Database
from tests.fakes.clock import ManualClock

SAM, KIM = AuthorId("test", "sam"), AuthorId("test", "kim")
HERE, THERE = ConversationId("test", "local", "here"), ConversationId("test", "local", "there")
MIRA, ORIN = PersonaId("mira"), PersonaId("orin")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    clock = ManualClock()
    async with Database(StorageSettings(data=tmp_path), clock=clock) as database:
        yield database


def opened(database: Database) -> UserPersonaBook:
    clock = ManualClock()
    return UserPersonaBook(database=database, clock=clock, ids=UlidSource(clock, random.Random(1)))


async def named(book: UserPersonaBook, where: ConversationId, who: PersonaId) -> str | None:
    held = await book.holding(SAM, conversation=where, persona=who)
    return held.name if held else None


async def test_the_nearest_binding_holds(database: Database) -> None:
    book = opened(database)
    for name in ("Captain", "Baker", "Spy"):
        await book.add(SAM, name)
    assert await named(book, HERE, MIRA) is None
    await book.use(SAM, "captain")
    await book.use(SAM, "Baker", Binding.with_character(MIRA))
    await book.use(SAM, "Spy", Binding.here(HERE))
    again = opened(database)  # nothing but what is stored
    assert await named(again, HERE, MIRA) == "Spy"
    assert await named(again, THERE, MIRA) == "Baker"
    assert await named(again, THERE, ORIN) == "Captain"
    await again.release(SAM, Binding.here(HERE))
    assert await named(again, HERE, MIRA) == "Baker"
    await again.remove(SAM, "Baker")
    assert await named(again, HERE, MIRA) == "Captain"
    await again.release(SAM)
    assert await named(again, HERE, MIRA) is None


async def test_only_one_is_the_default(database: Database) -> None:
    book = opened(database)
    for name in ("One", "Two"):
        await book.add(SAM, name)
        await book.use(SAM, name)
    profile = await book.profile(SAM)
    assert [one.name for one in profile.personas if one.is_default] == ["Two"]


async def test_accounts_do_not_see_or_touch_each_other(database: Database) -> None:
    book = opened(database)
    await book.add(SAM, "Captain", "Salt in the beard.")
    await book.use(SAM, "Captain", Binding.here(HERE))
    assert await book.holding(KIM, conversation=HERE, persona=MIRA) is None
    with pytest.raises(NotFound):
        await book.edit(KIM, "Captain", PersonaChange(description="Mine now."))
    with pytest.raises(NotFound):
        await book.remove(KIM, "Captain")
    await book.add(KIM, "Captain", "Another one.")
    await book.forget(KIM)
    assert (await book.profile(SAM)).personas[0].description == "Salt in the beard."
    assert (await book.profile(KIM)).personas == ()


async def test_everything_can_be_changed_and_survives(database: Database) -> None:
    book = opened(database)
    await book.add(SAM, "Captain")
    change = PersonaChange(
        name="Admiral",
        description="Gold braid.",
        place=PersonaPlace.AT_DEPTH,
        depth=7,
        role=PersonaRole.USER,
    )
    changed = await book.edit(SAM, "captain", change)
    assert (await opened(database).profile(SAM)).personas == (changed,)
    assert (changed.name, changed.description, changed.place, changed.depth, changed.role) == (
        "Admiral",
        "Gold braid.",
        PersonaPlace.AT_DEPTH,
        7,
        PersonaRole.USER,
    )


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a: b", "two\nlines", "bell\x07"])
async def test_a_name_that_could_pass_for_something_else_is_refused(
    database: Database, name: str
) -> None:
    with pytest.raises(InvalidRequest):
        await opened(database).add(SAM, name)


async def test_limits_are_named_and_nothing_is_stored_beyond_them(database: Database) -> None:
    book = opened(database)
    with pytest.raises(InvalidRequest, match="10,000"):
        await book.add(SAM, "Long", "x" * (MOST_CHARACTERS + 1))
    for number in range(MOST_PERSONAS):
        await book.add(SAM, f"P{number}", "x" * MOST_CHARACTERS if number == 0 else "")
    with pytest.raises(InvalidRequest, match="50"):
        await book.add(SAM, "One more")
    with pytest.raises(InvalidRequest, match="already"):
        await book.edit(SAM, "P1", PersonaChange(name="p2"))
    with pytest.raises(InvalidRequest):
        await book.edit(SAM, "P1", PersonaChange(depth=-1))
    assert len((await opened(database).profile(SAM)).personas) == MOST_PERSONAS


async def test_bindings_are_bounded_and_may_be_moved(database: Database) -> None:
    book = opened(database)
    await book.add(SAM, "One")
    await book.add(SAM, "Two")
    full = await book.profile(SAM)
    for number in range(MOST_BINDINGS):
        full = full.used("One", Binding.with_character(PersonaId(f"c{number}")))
    with pytest.raises(InvalidRequest):
        full.used("One", Binding.here(HERE))
    moved = full.used("Two", Binding.with_character(PersonaId("c0")))
    assert len(moved.bindings) == MOST_BINDINGS


async def test_changes_at_the_same_time_are_all_kept(database: Database) -> None:
    book = opened(database)
    await asyncio.gather(*(book.add(SAM, f"P{number}") for number in range(10)))
    assert len((await opened(database).profile(SAM)).personas) == 10


async def test_an_account_can_take_everything_along_and_be_forgotten(database: Database) -> None:
    book = opened(database)
    await book.add(SAM, "Captain", "Salt.")
    await book.use(SAM, "Captain", Binding.with_character(MIRA))
    exported = json.loads(json.dumps(await book.export(SAM)))
    assert exported["account"] == "test:sam"
    [persona] = exported["personas"]
    assert (persona["name"], persona["description"]) == ("Captain", "Salt.")
    assert persona["bindings"] == [{"kind": "character", "target": "mira"}]
    await book.forget(SAM)
    assert (await opened(database).profile(SAM)) == type(await book.profile(KIM))()
    assert (await book.export(SAM))["personas"] == []
