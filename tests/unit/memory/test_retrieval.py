"""Recall of turns: what bears on a question comes first, and nothing its viewer may not have."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text, update

from services.domain.errors import ProviderError, ProviderFault, StorageError
from services.domain.ids import ConversationId, PersonaId, PersonId
from services.memory.embedders.plain_words import PlainWords
from services.memory.recall.retrieval import TurnRetrieval
from services.memory.recall.tuning import RecallTuning
from services.memory.scope import Viewer
from services.storage.tables import messages, recollections
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.memory_world import opened_world
from tests.unit.storage.samples import ALICE, BOB, MIRA, PLACE

VIEWER = Viewer(persona=PersonaId("mira"), conversation=PLACE, accounts=(ALICE.id,))
ELSEWHERE = ConversationId("discord", "2", "9")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TALK = (
    "My sister keeps bees behind the barn",
    "How many hives does she have?",
    "Seven by now, the honey pays for the feed",
    "I burnt the soup again yesterday",
    "What went wrong this time?",
    "The pot was too thin and the phone rang",
)


@pytest.fixture
async def world(tmp_path, clock, ids):
    async with opened_world(tmp_path, clock, ids) as opened:
        yield opened


def retrieval(world, *, index=None, embedder=None, **tuning):
    return TurnRetrieval(
        database=world.database,
        index=index or world.turns,
        embedder=embedder or world.embedder,
        metrics=world.metrics,
        tuning=RecallTuning(**tuning),
    )


async def recall(world, question, viewer=VIEWER, *, limit=10, now=NOW, **more):
    return await retrieval(world, **more).search(question, viewer, now=now, limit=limit)


async def texts(world, question, viewer=VIEWER, **more):
    return [each.text for each in await recall(world, question, viewer, **more)]


async def test_an_answer_is_found_by_the_words_of_the_question_before_it(world):
    await world.say_many(TALK)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        found = await texts(world, "How many hives are there?", limit=2)
    assert TALK[2] in found


async def test_what_is_recalled_says_who_when_and_why(world):
    await world.say_many(TALK)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        best = (await recall(world, "Who keeps bees?"))[0]
    assert (best.text, best.speaker, best.said_at) == (TALK[0], "Alice", world.clock.now())
    assert best.score == pytest.approx(sum(best.why.values()))
    assert best.why["words"] > 0.5
    assert set(best.why) == {"words", "session", "speaker", "time", "meaning", "form"}
    assert not best.by_words_alone


async def test_other_forms_of_a_word_are_the_same_word(world):
    await world.say("We bought a canoe")
    await world.say("It rained all day")
    async with world.indexing(embedder=PlainWords()) as indexer:
        await indexer.caught_up()
        found = await texts(world, "What did you buy, canoes?", embedder=PlainWords())
        by_verb = await texts(world, "buying", embedder=PlainWords())
        by_irregular = await texts(world, "buy", embedder=PlainWords())
    assert found[0] == "We bought a canoe"
    assert by_irregular[0] == "We bought a canoe"
    assert by_verb == []  # "buying" is stemmed to "buy", which nobody said


async def test_the_best_match_out_of_scope_is_never_recalled_nor_its_neighbours(world):
    secret = "The treasure is buried under the old oak"
    await world.say("Some people dig for treasure", place=PLACE)
    await world.say(secret, BOB, place=ELSEWHERE, witnesses=frozenset({BOB.id, "mira"}))
    await world.say("Mind the oak", BOB, place=PLACE, witnesses=frozenset({BOB.id, "nox"}))
    async with world.indexing() as indexer:
        await indexer.caught_up()
        found = await texts(world, "Where is the treasure buried under the oak?", limit=50)
    assert found == ["Some people dig for treasure"]


async def test_who_may_recall_nothing_is_reminded_of_nothing(world):
    await world.say_many(TALK)
    stranger = Viewer(persona=PersonaId("nox"), conversation=ELSEWHERE, accounts=(BOB.id,))
    async with world.indexing() as indexer:
        await indexer.caught_up()
        assert await texts(world, "Who keeps bees?", stranger) == []


async def test_a_swipe_left_behind_is_never_recalled(world):
    await world.say("What is the password?")
    swiped = await world.say("The password is swordfish", MIRA)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        async with world.database.transaction() as tx:
            await tx.run(
                lambda connection: connection.execute(
                    update(recollections)
                    .where(recollections.c.ref == swiped.message.id)
                    .values(active=False)
                )
            )
        assert await texts(world, "password swordfish") == ["What is the password?"]


async def test_a_message_deleted_before_the_index_follows_is_not_recalled(world):
    await world.say("I have a tattoo of a heron")
    async with world.indexing() as indexer:
        await indexer.caught_up()
    async with world.database.transaction() as tx:
        await tx.run(
            lambda connection: connection.execute(
                update(messages).values(deleted_at=world.clock.now())
            )
        )
    assert await texts(world, "heron tattoo", index=NoIndex([])) == []


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   \n",
        "who is it that was there?",
        '" OR bees NOT NEAR(a, 2) AND * ^ - : {col} words:bees )(',
        'bees"; DROP TABLE recollections; --',
        "🎉🎉🎉",
        "\ud800 \x00 ²ª",
        "蜜蜂在哪里",
        "bees " * 5000,
        " ".join(f"word{number}" for number in range(2000)),
    ],
)
async def test_no_question_is_an_error(world, question):
    await world.say_many(TALK)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        await recall(world, question)
        await recall(world, question, embedder=PlainWords())


async def test_words_of_other_scripts_are_found(world):
    await world.say("蜜蜂 sind fleißig, ёж спит")
    await world.say("nothing to see")
    async with world.indexing(embedder=PlainWords()) as indexer:
        await indexer.caught_up()
        for word in ("蜜蜂", "FLEISSIG fleißig", "Ёж"):
            assert (await texts(world, word, embedder=PlainWords()))[0].startswith("蜜蜂")


async def test_only_stop_words_find_nothing_by_words_alone(world):
    await world.say("What is it that you were doing there")
    async with world.indexing(embedder=PlainWords()) as indexer:
        await indexer.caught_up()
        assert await texts(world, "what is it?", embedder=PlainWords()) == []


async def test_the_same_question_finds_the_same_and_a_smaller_limit_its_beginning(world):
    await world.say_many(["The very same words about bees"] * 30)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        whole = await recall(world, "bees", limit=50)
        again = await recall(world, "bees", limit=50)
        few = await recall(world, "bees", limit=7)
    assert whole == again
    assert len(whole) == 30
    assert few == whole[:7]


async def test_equal_scores_are_settled_by_age(world):
    for hour in range(6):
        await world.say("bees", place=ConversationId("discord", "1", f"2{hour}"))
    anywhere = Viewer(persona=PersonaId("mira"), conversation=PLACE, accounts=(ALICE.id,))
    async with world.indexing(embedder=PlainWords()) as indexer:
        await indexer.caught_up()
        found = await recall(world, "bees", anywhere, embedder=PlainWords())
    assert len({each.score for each in found}) == 1
    assert [each.message for each in found] == sorted(each.message for each in found)


async def test_whom_the_question_names_is_believed_before_others(world):
    for author in (BOB, ALICE, BOB):
        await world.say("I am learning the cello", author)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        question = "What instrument is Alice learning, the cello?"
        best = (await recall(world, question, embedder=PlainWords()))[0]
    assert best.speaker == "Alice"
    assert best.why["speaker"] > 0


async def test_who_asks_of_themselves_is_reminded_of_their_own_words(world):
    for author in (BOB, ALICE, BOB):
        await world.say("I am learning the cello", author)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        own = PersonId("alice-in-person")
        async with world.database.transaction() as tx:
            await tx.run(
                lambda connection: connection.execute(
                    update(recollections)
                    .where(recollections.c.speaker == "Alice")
                    .values(person_id=own)
                )
            )
        viewer = Viewer(
            persona=PersonaId("mira"), conversation=PLACE, accounts=(ALICE.id,), person=own
        )
        best = (await recall(world, "Which instrument did I start, the cello?", viewer))[0]
    assert best.speaker == "Alice"


async def test_a_date_in_the_question_prefers_what_was_said_then(world):
    for _ in range(4):
        await world.say("We went hiking in the hills")
        world.clock.advance(30 * 86_400)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        found = await recall(world, "Where did they hike in March 2026?")
        relative = await recall(world, "Who was hiking last month?", now=world.clock.now())
    assert found[0].said_at.month == 3
    assert relative[0].said_at == max(each.said_at for each in relative)


async def test_messages_in_view_are_left_out_and_others_take_their_place(world):
    await world.say_many(TALK)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        whole = await recall(world, "bees hives honey soup", limit=6)
        rest = await retrieval(world).search(
            "bees hives honey soup", VIEWER, now=NOW, limit=3, without=[whole[0].message]
        )
    assert [each.message for each in rest] == [each.message for each in whole[1:4]]


class NoIndex:
    """A vector index that fails, or finds what it is told to."""

    def __init__(self, outcome):
        self.outcome = outcome

    async def search(self, vector, /, *, groups, limit):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def test_words_do_the_work_when_the_embedder_fails(world):
    await world.say_many(TALK)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        world.embedder.failure = ProviderError("hash", ProviderFault.UNREACHABLE, "Away.")
        found = await recall(world, "Who keeps bees?")
    assert found[0].text == TALK[0]
    assert all(each.by_words_alone for each in found)
    assert world.metrics.counted("memory_recall_failures", source="embedder") == 1


@pytest.mark.parametrize("outcome", [StorageError("torn", "The index is damaged."), []])
async def test_words_do_the_work_when_the_index_fails_or_is_empty(world, outcome):
    await world.say_many(TALK)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        found = await recall(world, "Who keeps bees?", index=NoIndex(outcome))
    assert found[0].text == TALK[0]
    assert found[0].by_words_alone


async def test_a_slow_embedder_is_not_waited_for(world):
    class Slow(HashEmbedder):
        async def query(self, text, /):
            await asyncio.Event().wait()

    await world.say_many(TALK)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        found = await recall(world, "Who keeps bees?", embedder=Slow(), patience_seconds=0.01)
    assert found[0].by_words_alone


async def test_a_database_that_fails_says_so_plainly(world):
    await world.say_many(TALK)

    class Torn:
        def reader(self):
            raise StorageError("torn", "The database is damaged.")

    broken = TurnRetrieval(
        database=Torn(),  # type: ignore[arg-type]
        index=world.turns,
        embedder=world.embedder,
    )
    with pytest.raises(StorageError):
        await broken.search("bees", VIEWER, now=NOW, limit=3)


async def test_vectors_of_turns_that_are_gone_bring_nothing_back(world):
    await world.say_many(TALK)
    async with world.indexing() as indexer:
        await indexer.caught_up()
        async with world.database.transaction() as tx:
            for statement in ("DELETE FROM recollection_words", "DELETE FROM recollections"):
                await tx.run(lambda connection, sql=statement: connection.execute(text(sql)))
        assert await texts(world, "Who keeps bees?") == []
