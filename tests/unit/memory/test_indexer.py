"""The indexer: searchable once said, in line with the messages whatever happens to them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text

from services.domain.errors import ProviderError, ProviderFault, StorageError
from services.domain.events import MessageEdited, MessageRemoved, TurnUndone
from services.domain.ids import ConversationId, MessageId, PersonId, TurnId
from services.domain.messages import Visibility
from services.memory.embedders.plain_words import PlainWords
from services.memory.index import turn_rows
from services.memory.index.exact import ExactIndex
from services.memory.index.news import News
from services.memory.index.turn_rows import index_messages
from services.memory.recollections import Audience, add, audience_id, forget_rows, remove
from services.memory.scope import Kind
from services.storage.tables import messages, turns
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.memory_world import opened_world
from tests.unit.storage.samples import BOB, MIRA, PLACE

UNREACHABLE = ProviderError("hash", ProviderFault.UNREACHABLE, "The embedder is away.")
REJECTED = ProviderError("hash", ProviderFault.REJECTED, "The embedder will not.")


@pytest.fixture
async def world(tmp_path, clock, ids):
    async with opened_world(tmp_path, clock, ids) as opened:
        yield opened


async def read(world, task, *args, **kwargs):
    async with world.database.reader() as snapshot:
        return await snapshot.run(task, *args, **kwargs)


async def write(world, task, *args, **kwargs):
    async with world.database.transaction() as tx:
        return await tx.run(task, *args, **kwargs)


async def test_what_is_said_is_found_by_words_and_by_meaning(world):
    async with world.indexing() as indexer:
        cat = await world.say("My cat is called Whiskers")
        await world.say("What a lovely name", MIRA)
        boat = await world.say("We sailed to the island in a small boat")
        progress = await indexer.caught_up()

        assert await world.found("whiskers") == [cat.message.id]
        assert await world.found("sailing") == [boat.message.id]  # stemmed
        assert (await world.near("sailed to the island in a boat"))[0] == boat.message.id
        assert (progress.total, progress.pending) == (3, 0)
        assert world.metrics.gauged("memory_index_pending") == 0


async def test_a_vector_stands_for_the_message_with_the_one_before(world):
    async with world.indexing() as indexer:
        await world.say("Where did you go?", MIRA)
        await world.say("To the zoo")
        await indexer.caught_up()
    assert "Mira: Where did you go?\nAlice: To the zoo" in world.embedder.passed


async def test_what_others_heard_is_no_context_of_a_vector(world):
    async with world.indexing() as indexer:
        await world.say("A secret", witnesses=frozenset({BOB.id}))
        await world.say("Good morning")
        await indexer.caught_up()
    assert sorted(world.embedder.passed) == ["Alice: A secret", "Alice: Good morning"]


async def test_hidden_deleted_and_empty_messages_are_not_indexed(world, clock):
    async with world.indexing() as indexer:
        hidden = await world.say("hidden words", told=False)
        gone = await world.say("gone words")
        await world.say(" \n\t ")
        async with world.database.transaction() as tx:
            await world.history.remove(tx, gone.message.id, at=clock.now())
        await write(
            world,
            lambda c: c.execute(
                messages.update()
                .where(messages.c.id == hidden.message.id)
                .values(visibility=Visibility.HIDDEN)
            ),
        )
        await indexer.caught_up()
        assert await world.rows() == {}


async def test_messages_nobody_told_of_are_found_by_the_sweep(world):
    await world.say_many([f"line number {n}" for n in range(150)])
    async with world.indexing() as indexer:
        progress = await indexer.caught_up()
        assert (progress.total, progress.pending) == (150, 0)
        await world.say_many(["something imported later"])
        await indexer.caught_up()
        assert len(await world.found("imported")) == 1


async def test_a_night_between_messages_begins_a_session_and_a_meal_does_not(world, clock):
    async with world.indexing() as indexer:
        entries = []
        for rest in (0, 60, 3 * 3600 - 61, 3 * 3600, -7200, 1):
            clock.advance(rest)
            entries.append(await world.say(f"after {rest}"))
            await indexer.caught_up()
        rows = await world.rows()
    assert [rows[entry.message.id]["session"] for entry in entries] == [1, 1, 1, 2, 2, 2]


async def test_an_edit_replaces_words_and_both_vectors_that_quoted_it(world, clock):
    async with world.indexing() as indexer:
        entry = await world.say("I live in Paris")
        after = await world.say("How nice", MIRA)
        await indexer.caught_up()
        world.embedder.passed.clear()

        async with world.database.transaction() as tx:
            changed = await world.history.edit(
                tx, entry.message.id, "I live in Lisbon", at=clock.now()
            )
        world.bus.publish(MessageEdited(entry=changed))
        await indexer.caught_up()

        assert await world.found("paris") == []
        assert await world.found("lisbon") == [entry.message.id]
        assert sorted(world.embedder.passed) == [
            "Alice: I live in Lisbon",
            "Alice: I live in Lisbon\nMira: How nice",
        ]
        assert await world.near("Alice: I live in Lisbon", limit=1) == [entry.message.id]
        assert len(await world.near("x")) == 2
        assert after.message.id in await world.rows()


async def test_a_lost_edit_is_repaired_by_the_sweep(world, clock):
    async with world.indexing() as indexer:
        entry = await world.say("I live in Paris")
        await indexer.caught_up()
        async with world.database.transaction() as tx:
            await world.history.edit(tx, entry.message.id, "I live in Lisbon", at=clock.now())
        await indexer.caught_up()
        assert await world.found("paris") == []
        assert await world.found("lisbon") == [entry.message.id]


@pytest.mark.parametrize("told", [True, False])
async def test_a_removed_message_leaves_neither_words_nor_vectors(world, clock, told):
    async with world.indexing() as indexer:
        entry = await world.say("The password is swordfish")
        after = await world.say("I will keep it safe", MIRA)
        await indexer.caught_up()
        async with world.database.transaction() as tx:
            await world.history.remove(tx, entry.message.id, at=clock.now())
        if told:
            world.bus.publish(
                MessageRemoved(conversation=entry.message.conversation, message=entry.message.id)
            )
        await indexer.caught_up()
        assert await world.found("swordfish") == []
        assert list(await world.rows()) == [after.message.id]
        assert await world.turns.count() == 1
        assert world.embedder.passed[-1] == "Mira: I will keep it safe"


async def standing(world):
    return {ref for ref, row in (await world.rows()).items() if row["active"]}


async def test_another_version_of_a_reply_takes_the_place_of_the_first(world):
    async with world.indexing() as indexer:
        asked = await world.say("Tell me a joke")
        first = await world.say("Knock knock", MIRA)
        second = await world.say("A horse walks in", MIRA, parent=asked.message.id)
        await indexer.caught_up()
        assert await standing(world) == {asked.message.id, second.message.id}

        async with world.database.transaction() as tx:  # a swipe, which nobody tells of
            await world.history.activate(tx, first.message.id)
        laughed = await world.say("Ha ha")
        await indexer.caught_up()
        assert await standing(world) == {asked.message.id, first.message.id, laughed.message.id}


async def test_an_undone_exchange_no_longer_stands_below_the_message_either(world):
    async with world.indexing() as indexer:
        kept = await world.say("Good evening")
        await world.say("Hello", MIRA, turn=TurnId("t1"))
        await world.say("I owe Bob money")
        await world.say("How much?", MIRA, turn=TurnId("t2"))
        await indexer.caught_up()
        async with world.database.transaction() as tx:
            undone = await world.history.undo_turn(tx, kept.message.conversation)
        world.bus.publish(
            TurnUndone(
                conversation=kept.message.conversation,
                turn=TurnId("t2"),
                messages=undone.messages,
            )
        )
        await indexer.caught_up()
        assert len(undone.messages) == 2
        assert not await standing(world) & set(undone.messages)
        assert len(await standing(world)) == 2


async def test_what_was_said_before_a_reset_still_stands(world):
    async with world.indexing() as indexer:
        before = await world.say("I was born in Oslo")
        reply = await world.say("Noted", MIRA, turn=TurnId("t1"))
        async with world.database.transaction() as tx:
            await world.history.reset(tx, before.message.conversation)
        after = await world.say("Hello again")
        await indexer.caught_up()
        assert await standing(world) == {
            before.message.id,
            reply.message.id,
            after.message.id,
        }


async def test_a_reset_after_an_undo_keeps_what_was_not_undone(world):
    async with world.indexing() as indexer:
        kept = await world.say("I was born in Oslo")
        reply = await world.say("Noted", MIRA, turn=TurnId("t1"))
        await world.say("I owe Bob money")
        async with world.database.transaction() as tx:
            await tx.run(open_turn, "t2")
        await world.say("How much?", MIRA, turn=TurnId("t2"))
        async with world.database.transaction() as tx:
            undone = await world.history.undo_turn(tx, kept.message.conversation)
            await world.history.reset(tx, kept.message.conversation)
        after = await world.say("Hello again")
        await indexer.caught_up()
        assert len(undone.messages) == 2
        assert await standing(world) == {kept.message.id, reply.message.id, after.message.id}


async def test_a_first_exchange_that_was_undone_does_not_stand(world):
    async with world.indexing() as indexer:
        asked = await world.say("I owe Bob money")
        async with world.database.transaction() as tx:
            await tx.run(open_turn, "t1")
        await world.say("How much?", MIRA, turn=TurnId("t1"))
        async with world.database.transaction() as tx:
            await world.history.undo_turn(tx, asked.message.conversation)
        after = await world.say("Hello again")
        await indexer.caught_up()
        assert await standing(world) == {after.message.id}


def open_turn(connection, turn):
    connection.execute(
        insert(turns).values(
            id=turn,
            conversation_id=str(PLACE),
            persona_id="mira",
            persona_name="Mira",
            kind="reply",
            modality="text",
            state="finished",
            hop=0,
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            delivered="",
            sentences=0,
        )
    )


async def test_an_embedder_that_fails_leaves_words_and_catches_up_later(world, clock):
    world.embedder.failure = UNREACHABLE
    async with world.indexing() as indexer:
        entry = await world.say("The ferry leaves at nine")
        progress = await indexer.caught_up()
        assert await world.found("ferry") == [entry.message.id]
        assert (progress.pending, progress.failing) == (1, "The embedder is away.")
        for _ in range(4):
            clock.advance(600)
            progress = await indexer.caught_up()
        assert [code for code, _ in world.notices] == ["memory_embedder"]
        calls = world.embedder.calls
        await indexer.caught_up()  # resting: nothing is asked
        assert world.embedder.calls == calls

        world.embedder.failure = None
        clock.advance(600)
        progress = await indexer.caught_up()
        assert (progress.pending, progress.failing) == (0, None)
        assert await world.near("ferry leaves") == [entry.message.id]
        assert world.metrics.counted("memory_embed_failures", fault="unreachable") == 5


async def test_a_text_the_embedder_refuses_keeps_no_other_from_its_vector(world):
    world.embedder.refused, world.embedder.refusal = ("poison",), REJECTED
    await world.say_many([f"line {n}" for n in range(20)] + ["poison"] + ["after it"])
    async with world.indexing() as indexer:
        progress = await indexer.caught_up()
        # The message after the poison quotes it, so both stay without.
        assert (progress.total, progress.pending) == (22, 0)
        assert await world.turns.count() == 20
        assert len(await world.found("poison")) == 1
        calls = world.embedder.calls
        await indexer.caught_up()
        assert world.embedder.calls == calls


async def test_another_embedder_embeds_everything_anew_and_finds_words_meanwhile(world):
    await world.say_many([f"story number {n}" for n in range(30)])
    async with world.indexing() as indexer:
        await indexer.caught_up()
    gate = asyncio.Event()
    other = HashEmbedder(32, name="hash:2")
    async with world.indexing(embedder=other, idle=gate.wait) as indexer:
        async with asyncio.timeout(3):
            while await world.turns.count():  # noqa: ASYNC110  the index tells nobody
                await asyncio.sleep(0.01)
        assert (await indexer.progress()).pending == 30
        assert len(await world.found("story")) == 30
        gate.set()
        progress = await indexer.caught_up()
        assert progress.pending == 0
        assert await world.turns.count() == 30
        assert len(other.passed) == 30
        blobs = {len(row["embedding"]) for row in (await world.rows()).values()}
        assert blobs == {64}


async def test_an_embedder_that_changes_its_dimensions_starts_over(world):
    await world.say_many([f"story number {n}" for n in range(30)])
    async with world.indexing() as indexer:
        await indexer.caught_up()
        world.embedder.dimensions = 48
        await world.say("a new message")
        progress = await indexer.caught_up()
        assert (progress.total, progress.pending) == (31, 0)
        assert await world.turns.count() == 31
        found = await world.turns.search(
            world.embedder.vector("story number 7"), groups=None, limit=50
        )
        assert len(found) == 31


async def test_stored_vectors_of_different_lengths_start_over(world):
    await world.say_many([f"story number {n}" for n in range(10)])
    async with world.indexing() as indexer:
        await indexer.caught_up()
    await write(
        world, lambda c: c.execute(text("UPDATE recollections SET embedding = x'0011' WHERE id=3"))
    )
    async with world.indexing() as indexer:
        progress = await indexer.caught_up()
        assert (progress.pending, progress.filling) == (0, False)
        assert await world.turns.count() == 10


async def test_a_start_reads_stored_vectors_and_embeds_nothing(world):
    await world.say_many([f"story number {n}" for n in range(30)])
    async with world.indexing() as indexer:
        await indexer.caught_up()
    world.embedder.passed.clear()
    assert await world.turns.count() == 0  # closed, so forgotten
    await world.turns.close()
    async with world.indexing() as indexer:
        await indexer.caught_up()
        assert await world.turns.count() == 30
    assert world.embedder.passed == []


async def test_an_index_that_lost_vectors_is_filled_again(world, clock):
    await world.say_many([f"story number {n}" for n in range(30)])
    async with world.indexing() as indexer:
        await indexer.caught_up()
        await world.turns.clear()
        for _ in range(2):
            clock.advance(301)
            await indexer.caught_up()
        await indexer.caught_up()
        assert await world.turns.count() == 30


async def test_an_index_that_fails_keeps_nothing_from_being_embedded(world, clock):
    class Broken(ExactIndex):
        broken = True

        async def clear(self):
            if self.broken:
                raise StorageError("broken", "The index is broken.")
            await super().clear()

    world.turns = Broken()
    await world.say_many([f"story number {n}" for n in range(30)])
    async with world.indexing() as indexer:
        progress = await indexer.caught_up()
        assert (progress.pending, progress.filling) == (0, True)
        assert len(world.embedder.passed) == 30
        failures = world.metrics.counted("memory_index_failures", index="turns")
        await indexer.caught_up()  # it rests: nothing is tried
        assert world.metrics.counted("memory_index_failures", index="turns") == failures

        world.turns.broken = False
        clock.advance(600)
        progress = await indexer.caught_up()
        assert (progress.pending, progress.filling) == (0, False)
        assert await world.turns.count() == 30


async def test_reindexing_embeds_everything_once_more(world):
    await world.say_many([f"story number {n}" for n in range(30)])
    async with world.indexing() as indexer:
        await indexer.caught_up()
        world.embedder.passed.clear()
        await indexer.reindex()
        progress = await indexer.caught_up()
        assert progress.pending == 0
        assert len(world.embedder.passed) == 30
        assert await world.turns.count() == 30


async def test_without_an_embedder_only_words_are_searched(world):
    await world.say_many(["one", "two"])
    async with world.indexing(embedder=PlainWords()) as indexer:
        progress = await indexer.caught_up()
        assert (progress.total, progress.pending) == (2, 0)
        assert len(await world.found("two")) == 1
        assert await world.turns.count() == 0


async def test_embedding_waits_until_nobody_is_answered_and_words_do_not(world):
    gate = asyncio.Event()
    async with world.indexing(idle=gate.wait) as indexer:
        await world.say("Are you there?")
        async with asyncio.timeout(3):
            while not await world.found("there"):  # noqa: ASYNC110  the index tells nobody
                await asyncio.sleep(0.01)
        assert world.embedder.passed == []
        gate.set()
        await indexer.caught_up()
        assert len(world.embedder.passed) == 1


async def test_facts_share_the_index_and_are_removed_with_their_vectors(world):
    def learn(connection):
        audience = Audience(kind=Kind.FACT, place="local:me", person=PersonId("p1"))
        group = audience_id(connection, audience)
        assert audience_id(connection, audience) == group

        def fact(words):
            return add(connection, kind=Kind.FACT, ref="f1", audience=group, words=words)

        assert fact("Alice likes tea") == fact("Alice likes tea") == fact("Alice likes coffee")

    async with world.indexing() as indexer:
        await write(world, learn)
        indexer.wake()
        await indexer.caught_up()
        assert await world.found("tea") == []
        assert await world.found("coffee") == ["f1"]
        assert world.embedder.passed[-1] == "Alice likes coffee"
        assert await world.near("coffee") == ["f1"]

        dropped = await write(world, remove, kind=Kind.FACT, refs=["f1", "unknown"])
        await indexer.dropped(dropped)
        assert await world.turns.count() == 0
        assert await world.found("coffee") == []
        assert await write(world, forget_rows, [999]) == []


async def test_forgetting_a_row_takes_the_vector_that_quoted_it(world):
    async with world.indexing() as indexer:
        entry = await world.say("My number is 5551234")
        after = await world.say("Thanks", MIRA)
        await indexer.caught_up()
        rows = await world.rows()
        dropped = await write(world, forget_rows, [rows[entry.message.id]["id"]])
        await write(
            world,
            lambda c: c.execute(
                messages.update()
                .where(messages.c.id == entry.message.id)
                .values(written="", deleted_at=entry.message.created_at)
            ),
        )
        assert {each.row for each in dropped} == {
            rows[entry.message.id]["id"],
            rows[after.message.id]["id"],
        }
        await indexer.dropped(dropped, thoroughly=True)
        await indexer.caught_up()
        assert world.embedder.passed[-1] == "Mira: Thanks"
        assert await world.turns.count() == 1


async def test_an_index_that_keeps_what_it_deletes_is_emptied_for_a_thorough_forgetting(world):
    await world.say_many([f"story number {n}" for n in range(5)])
    cleared = 0
    async with world.indexing(erases=False) as indexer:
        await indexer.caught_up()
        clear = world.turns.clear

        async def counted():
            nonlocal cleared
            cleared += 1
            await clear()

        world.turns.clear = counted
        rows = await world.rows()
        dropped = await write(world, forget_rows, [min(row["id"] for row in rows.values())])
        await indexer.dropped(dropped)
        assert cleared == 0
        await indexer.dropped(dropped, thoroughly=True)
        assert cleared == 1
        await indexer.caught_up()


async def test_news_the_bus_lost_are_repaired_by_the_sweep(world):
    async with world.indexing() as indexer:
        await indexer.caught_up()
        entry = await world.say("said in the rush")
        for n in range(1500):
            world.bus.publish(removal(n))
        await indexer.caught_up()
        assert await world.found("rush") == [entry.message.id]


def test_more_news_than_are_kept_ask_for_a_sweep():
    news = News()
    for n in range(1000):
        news.note(removal(n))
    assert not news.lost
    news.note(removal(1000))
    assert (news.lost, len(news.changed)) == (True, 1000)


def removal(number):
    return MessageRemoved(
        conversation=ConversationId("a", "b", "c"), message=MessageId(f"m{number}")
    )


async def test_a_long_message_is_embedded_in_part_and_searched_whole(world):
    async with world.indexing() as indexer:
        await world.say("before " * 500, MIRA)
        await world.say("filling " * 100_000 + "the needle")
        await indexer.caught_up()
        assert len(await world.found("needle")) == 1
    assert max(map(len, world.embedder.passed)) <= (
        turn_rows.CHARACTERS + turn_rows.CHARACTERS_BEFORE + 1
    )


async def test_indexing_a_message_twice_changes_nothing(world):
    entry = await world.say("only once")
    first = await write(world, index_messages, [entry.message.id])
    again = await write(world, index_messages, [entry.message.id, "unknown"])
    assert (first.added, again.added, again.dropped) == (1, 0, [])


async def test_a_clock_that_goes_back_keeps_nothing_from_being_found(world, clock):
    clock.set(clock.now() - timedelta(days=365))  # a clock going backwards
    async with world.indexing() as indexer:
        await world.say("later, yet earlier")
        assert (await indexer.caught_up()).pending == 0
        assert len(await world.found("earlier")) == 1


async def test_progress_of_a_long_run_is_told_once(world, clock):
    class Slow(HashEmbedder):
        async def passages(self, texts, /):
            clock.advance(4)
            return await super().passages(texts)

    await world.say_many([f"story number {n}" for n in range(300)])
    async with world.indexing(embedder=Slow()) as indexer:
        await indexer.caught_up()
    assert [code for code, _ in world.notices] == ["memory_indexing", "memory_indexed"]
