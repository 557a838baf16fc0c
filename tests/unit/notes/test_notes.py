"""Notes of people: written, sorted, found again, shared, and nobody else's business."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from services.domain.calls import ToolCall
from services.domain.errors import InvalidRequest, NotFound, TooMany
from services.domain.ids import AuthorId, ConversationId, PersonaId, TurnId
from services.domain.people import Author, Role
from services.notes import note as note_module
from services.notes.holding import NoteHolding
from services.notes.service import Notes
from services.notes.tools import note_tools
from services.settings import StorageSettings
from services.storage.database import Database
from services.storage.tables import accounts, people
from services.toolbox.spec import ToolContext
from services.toolbox.toolbox import Toolbox
from tests.fakes.clock import ManualClock
from tests.fakes.hash_embedder import HashEmbedder

SAM = Author(id=AuthorId("test", "sam"), display_name="Sam")
SAM_ELSEWHERE = Author(id=AuthorId("console", "sam"), display_name="Sam")
KIM = Author(id=AuthorId("test", "kim"), display_name="Kim")
HERE = ConversationId("test", "guild", "general")
ELSEWHERE = ConversationId("test", "other", "general")
NOW = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)


@asynccontextmanager
async def desk(tmp_path: Path, *, embedder=None):
    clock = ManualClock(NOW)
    async with Database(StorageSettings(data=tmp_path), clock=clock) as database:
        yield Notes(database=database, clock=clock, embedder=embedder), database


async def test_notes_are_listed_pinned_first_then_the_newest(tmp_path):
    async with desk(tmp_path) as (notes, _):
        for words in ("milk", "eggs", "call mum"):
            await notes.add(
                words, category="Shopping" if words != "call mum" else None, by=SAM, where=HERE
            )
        await notes.pin(1, by=SAM)
        assert [n.number for n in await notes.listed(by=SAM)] == [1, 3, 2]
        assert [n.number for n in await notes.listed(by=SAM, category=" SHOPPING ")] == [1, 2]
        assert await notes.categories(by=SAM) == [("general", 1), ("shopping", 2)]
        await notes.pin(1, by=SAM, pinned=False)
        assert [n.number for n in await notes.listed(by=SAM)] == [3, 2, 1]


async def test_somebody_elses_number_finds_changes_and_deletes_nothing(tmp_path):
    async with desk(tmp_path) as (notes, _):
        await notes.add("secret", by=SAM, where=HERE)
        assert await notes.listed(by=KIM) == []
        assert await notes.search("secret", by=KIM) == []
        for work in (
            notes.show(1, by=KIM),
            notes.edit(1, by=KIM, content="mine"),
            notes.pin(1, by=KIM),
            notes.share(1, by=KIM, where=HERE),
            notes.delete(1, by=KIM),
            notes.delete(10**30, by=SAM),
            notes.show(-1, by=SAM),
        ):
            with pytest.raises(NotFound):
                await work
        assert await notes.clear(by=KIM) == 0
        assert (await notes.show(1, by=SAM)).content == "secret"


async def test_a_number_is_not_given_again_to_the_last_ones_successor_while_others_stand(tmp_path):
    async with desk(tmp_path) as (notes, _):
        first = await notes.add("one", by=SAM, where=HERE)
        second = await notes.add("two", by=SAM, where=HERE)
        await notes.delete(first.number, by=SAM)
        third = await notes.add("three", by=SAM, where=HERE)
        assert third.number == second.number + 1
        assert (await notes.add("kim's", by=KIM, where=HERE)).number == 1


async def test_linked_accounts_are_one_person_with_one_notebook(tmp_path):
    async with desk(tmp_path) as (notes, database):
        async with database.transaction() as tx:
            await tx.run(
                lambda c: c.execute(
                    insert(people).values(id="p1", display_name="Sam", created_at=NOW)
                )
            )
            for account in (SAM.id, SAM_ELSEWHERE.id):
                await tx.run(
                    lambda c, account=account: c.execute(
                        insert(accounts).values(
                            platform=account.platform,
                            user=account.user,
                            person_id="p1",
                            display_name="Sam",
                            kind="human",
                            linked_at=NOW,
                        )
                    )
                )
        await notes.add("from here", by=SAM, where=HERE)
        there = await notes.add("from there", by=SAM_ELSEWHERE, where=HERE)
        assert there.number == 2
        assert len(await notes.listed(by=SAM)) == 2
        await notes.delete(2, by=SAM)
        assert [n.content for n in await notes.listed(by=SAM_ELSEWHERE)] == ["from here"]


async def test_words_are_found_whatever_their_ending_and_old_words_no_longer(tmp_path):
    async with desk(tmp_path) as (notes, _):
        await notes.add("Buy running shoes", by=SAM, where=HERE)
        await notes.add("Crème brûlée recipe", category="kitchen", by=SAM, where=HERE)
        assert [n.number for n in await notes.search("shoe", by=SAM)] == [1]
        assert [n.number for n in await notes.search("creme", by=SAM)] == [2]
        assert [n.number for n in await notes.search("kitchen", by=SAM)] == [2]
        await notes.edit(1, by=SAM, content="Buy a hat")
        assert await notes.search("shoe", by=SAM) == []
        await notes.delete(2, by=SAM)
        assert await notes.search("creme", by=SAM) == []


@pytest.mark.parametrize(
    "query", ['"', "a* OR b", "NEAR(", "", "   ", "-", "x" * 100_000, "\0", "('"]
)
async def test_no_query_breaks_the_index(tmp_path, query):
    async with desk(tmp_path) as (notes, _):
        await notes.add("something", by=SAM, where=HERE)
        await notes.search(query, by=SAM)


async def test_meaning_finds_what_words_do_not(tmp_path):
    async with desk(tmp_path, embedder=HashEmbedder()) as (notes, _):
        await notes.add("the cat sleeps on the sofa", by=SAM, where=HERE)
        await notes.add("taxes are due in may", by=SAM, where=HERE)
        found = await notes.search("sofa cat", by=SAM)
        assert found[0].number == 1
        await notes.edit(1, by=SAM, content="the dog eats")
        assert (await notes.search("taxes due", by=SAM))[0].number == 2


async def test_shared_notes_are_read_in_that_place_alone_until_withdrawn(tmp_path):
    async with desk(tmp_path) as (notes, _):
        await notes.add("rules of the house", by=SAM, where=HERE)
        await notes.add("private", by=SAM, where=HERE)
        assert await notes.shared(HERE) == []
        await notes.share(1, by=SAM, where=HERE)
        assert [n.content for n in await notes.shared(HERE)] == ["rules of the house"]
        assert await notes.shared(ELSEWHERE) == []
        await notes.withdraw(1, by=SAM)
        assert await notes.shared(HERE) == []
        await notes.share(2, by=SAM, where=ConversationId("discord", "dm", "1"))
        assert await notes.shared(ConversationId("discord", "dm", "2")) == []


async def test_the_export_holds_every_note_by_category(tmp_path):
    async with desk(tmp_path) as (notes, _):
        await notes.add("milk\nand eggs", category="shopping", by=SAM, where=HERE)
        await notes.add("an idea", by=SAM, where=HERE)
        text_ = await notes.export(by=SAM)
        assert text_.index("## general") < text_.index("an idea") < text_.index("## shopping")
        assert "milk\nand eggs" in text_


@pytest.mark.parametrize("content", ["", "  \n ", "\0", "x" * 4001])
async def test_notes_that_say_nothing_or_too_much_are_refused(tmp_path, content):
    async with desk(tmp_path) as (notes, _):
        with pytest.raises(InvalidRequest):
            await notes.add(content, by=SAM, where=HERE)
        with pytest.raises(InvalidRequest):
            await notes.add("fine", category="c" * 41, by=SAM, where=HERE)
        assert await notes.listed(by=SAM) == []


async def test_a_notebook_can_be_full(tmp_path, monkeypatch):
    monkeypatch.setattr("services.notes.service.MOST_NOTES", 3)
    assert note_module.MOST_NOTES == 500
    async with desk(tmp_path) as (notes, _):
        for number in range(3):
            await notes.add(f"note {number}", by=SAM, where=HERE)
        with pytest.raises(TooMany):
            await notes.add("one more", by=SAM, where=HERE)
        await notes.delete(1, by=SAM)
        await notes.add("now it fits", by=SAM, where=HERE)


async def test_forgetting_takes_the_words_out_of_the_index_too(tmp_path):
    holding = NoteHolding()
    async with desk(tmp_path) as (notes, database):
        await notes.add("zebra", by=SAM, where=HERE)
        await notes.add("zebra", by=KIM, where=ELSEWHERE)
        await notes.add("shared zebra", by=KIM, where=ELSEWHERE)
        await notes.share(2, by=KIM, where=HERE)
        async with database.transaction() as tx:
            assert len(await tx.run(holding.of_person, [SAM.id])) == 1
            assert await tx.run(holding.erase_person, [SAM.id]) == 1
            assert await tx.run(holding.of_person, [SAM.id]) == []
            assert await tx.run(holding.erase_place, "test:guild") == 1
            count = text("SELECT count(*) FROM note_words WHERE note_words MATCH 'zebra'")
            assert await tx.run(lambda c: c.execute(count).scalar_one()) == 1
        assert [n.number for n in await notes.listed(by=KIM)] == [1]


async def test_tools_act_on_the_notes_of_who_asks(tmp_path):
    async with desk(tmp_path) as (notes, _):
        tools = Toolbox([note_tools(notes)])

        async def run(name, asker=SAM, **arguments):
            context = ToolContext(
                conversation=HERE,
                persona=PersonaId("mira"),
                turn=TurnId("t"),
                asker=asker,
                role=Role.MEMBER,
            )
            call = ToolCall(id="c", name=name, arguments=arguments)
            return await tools.run(call, context, limit=4000)

        written = await run("add_note", content="buy milk", category="shopping")
        assert written.content == "Written down as note 1."
        assert (await run("list_notes")).content == "1 [shopping]: buy milk"
        assert (await run("search_notes", query="milk")).content == "1 [shopping]: buy milk"
        assert (await run("search_notes", KIM, query="milk")).content == "There are no such notes."
        assert (await run("delete_note", KIM, number=1)).is_error
        assert (await run("edit_note", number="one", content="x")).is_error
        assert (await run("add_note", None, content="x")).is_error
        assert (await run("add_note", content="x" * 100_000)).is_error
        assert (
            await run("edit_note", number=1, content="buy oats")
        ).content == "Note 1 is changed."
        assert (await run("delete_note", number=1)).content == "Note 1 is deleted."
