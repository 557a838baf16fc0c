"""Summaries: of what was said alone, only while it still says so, only to who heard it."""

import asyncio
import json
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from services.conversation.history import History
from services.domain.errors import ProviderError, ProviderFault
from services.domain.events import TurnConcluded
from services.domain.ids import MessageId, PersonaId, TurnId
from services.domain.messages import Visibility
from services.domain.replies import Reply, TurnFinished, Usage
from services.events.local import LocalEventBus
from services.llm.model import Priority
from services.memory.index.standing import settle
from services.memory.index.turn_rows import index_messages
from services.memory.summaries.service import KEPT, SEGMENT, Summaries
from services.observability.metrics import Metrics
from services.persona.prompts import PromptLibrary
from services.settings import MemorySettings
from services.storage.tables import summaries
from tests.architecture.source_tree import ROOT
from tests.fakes.app import OneModel
from tests.fakes.scripted_model import Script, ScriptedModel
from tests.unit.storage.samples import ALICE, MIRA, PLACE, Said, database_in

MIRA_ID = PersonaId("mira")
NOVA = PersonaId("nova")
PROMPTS = PromptLibrary(ROOT / "prompts")


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  what is waited for rings no bell
            await asyncio.sleep(0.005)


class Unwatched:
    def wake(self, *, sweep=False):
        pass

    async def dropped(self, rows, /, *, thoroughly=False):
        pass


class Desk:
    """A conversation, and summaries of it by a scripted model."""

    def __init__(self, database, clock, ids, playbook=None):
        self.database = database
        self.clock = clock
        self.said = Said(ids, clock)
        self.history = History()
        self.model = ScriptedModel(playbook or self.recount)
        self.bus = LocalEventBus()
        self.metrics = Metrics()
        self.summaries = Summaries(
            MemorySettings(),
            database=database,
            models=OneModel(self.model),
            model="small",
            prompts=PROMPTS,
            clock=clock,
            ids=ids,
            bus=self.bus,
            index=Unwatched(),
            metrics=self.metrics,
        )

    def recount(self, request):
        lines = [one for one in request.messages[0].content.splitlines() if one.startswith("> ")]
        return json.dumps({"summary": f"{len(lines)} lines, from {lines[0]} to {lines[-1]}"})

    async def say(self, words, author=ALICE, witnesses=frozenset(), **values):
        async with self.database.transaction() as tx:
            message = replace(self.said(words, author), **values)
            entry = (await self.history.record(tx, message, witnesses=witnesses)).entry
            await tx.run(index_messages, [entry.message.id])
        return entry.message

    async def talk(self, count, start=1):
        return [
            await self.say(f"line {number}", MIRA if number % 2 else ALICE)
            for number in range(start, start + count)
        ]

    async def edit(self, message, words):
        async with self.database.transaction() as tx:
            await self.history.edit(tx, message.id, words, at=self.clock.now())
            await tx.run(index_messages, [message.id])

    async def stored(self):
        async with self.database.reader() as snapshot:
            return await snapshot.run(
                lambda c: c.execute(select(summaries).order_by(summaries.c.last_ordinal)).all()
            )

    async def recalled(self, persona=MIRA_ID):
        return [one.text for one in await self.summaries.recall(PLACE, persona, newest=6)]


@pytest.fixture
async def database(tmp_path, clock):
    async with database_in(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def desk(database, clock, ids):
    return Desk(database, clock, ids)


async def test_the_newest_messages_are_left_as_they_are(desk):
    await desk.talk(KEPT + SEGMENT - 1)
    assert await desk.summaries.summarise(PLACE, MIRA_ID) == 0
    await desk.say("one more")
    assert await desk.summaries.summarise(PLACE, MIRA_ID) == 1
    [stored] = await desk.stored()
    assert (stored.first_ordinal, stored.last_ordinal) == (1, SEGMENT)


async def test_each_message_is_summed_up_once_and_no_summary_is(desk):
    await desk.talk(200)
    made = await desk.summaries.summarise(PLACE, MIRA_ID)
    assert made >= 2
    assert await desk.summaries.summarise(PLACE, MIRA_ID) == 0
    stored = await desk.stored()
    assert [one.first_ordinal for one in stored[1:]] == [
        one.last_ordinal + 1 for one in stored[:-1]
    ]
    asked = "".join(request.messages[0].content for request in desk.model.requests)
    assert " lines, from" not in asked


async def test_an_edit_takes_back_what_quoted_it_and_it_is_made_anew(desk):
    said = await desk.talk(KEPT + SEGMENT)
    await desk.summaries.summarise(PLACE, MIRA_ID)
    assert "line 1" in (await desk.recalled())[0]
    await desk.edit(said[0], "I never said that")
    assert await desk.recalled() == []
    await desk.summaries.summarise(PLACE, MIRA_ID)
    assert "I never said that" in (await desk.recalled())[0]
    assert len(await desk.stored()) == 1


async def test_a_character_is_told_only_what_it_heard(desk):
    for number in range(KEPT + SEGMENT):
        await desk.say(f"secret {number}", witnesses=frozenset({ALICE.id, NOVA}))
    assert await desk.summaries.summarise(PLACE, MIRA_ID) == 0
    assert await desk.summaries.summarise(PLACE, NOVA) == 1
    assert await desk.recalled(MIRA_ID) == []
    assert await desk.recalled(NOVA) != []


async def test_private_words_are_never_summed_up(desk):
    for number in range(KEPT + SEGMENT):
        await desk.say(f"secret {number}", visibility=Visibility.PRIVATE)
    assert await desk.summaries.summarise(PLACE, MIRA_ID, kept=0, least=1) == 0


async def test_what_was_forgotten_meanwhile_is_not_stored(desk):
    said = await desk.talk(KEPT + SEGMENT)
    held = asyncio.Event()
    desk.model = ScriptedModel(Script(text='{"summary": "line 1 and more"}', hold=held))
    desk.summaries._models = OneModel(desk.model)
    async with asyncio.TaskGroup() as group:
        making = group.create_task(desk.summaries.summarise(PLACE, MIRA_ID))
        await until(lambda: desk.model.requests)
        await desk.edit(said[0], "[forgotten]")
        held.set()
    assert making.result() == 0
    assert await desk.stored() == []


@pytest.mark.parametrize("answer", ["An essay. " * 400, "{", '{"summary": ""}', '{"text": "x"}'])
async def test_garbage_is_no_summary(database, clock, ids, answer):
    desk = Desk(database, clock, ids, answer)
    await desk.talk(KEPT + SEGMENT)
    with pytest.raises(ProviderError):
        await desk.summaries.summarise(PLACE, MIRA_ID)
    assert await desk.stored() == []


async def test_it_works_when_idle_and_survives_a_model_that_fails(database, clock, ids):
    down = ProviderError("ollama", ProviderFault.UNREACHABLE, "Start it.")
    desk = Desk(database, clock, ids, [Script(error=down), '{"summary": "They counted."}'])
    await desk.talk(KEPT + SEGMENT)
    concluded = TurnConcluded(
        conversation=PLACE,
        persona=MIRA_ID,
        hop=0,
        terminal=TurnFinished(
            turn=TurnId("t"),
            reply=Reply(message=MessageId("m"), persona=MIRA_ID, text="x", ordinal=1),
            usage=Usage(),
        ),
    )
    async with desk.summaries:
        await asyncio.sleep(0)
        desk.bus.publish(concluded)
        await until(lambda: desk.metrics.counted("summaries_failed"))
        assert await desk.recalled() == []
        desk.bus.publish(concluded)
        await until(lambda: desk.metrics.counted("summaries_made"))
    assert await desk.recalled() == ["They counted."]
    assert {request.priority for request in desk.model.requests} == {Priority.BACKGROUND}


async def test_a_discarded_summary_leaves_no_words(desk):
    said = await desk.talk(KEPT + SEGMENT)
    await desk.summaries.summarise(PLACE, MIRA_ID)
    await desk.edit(said[0], "something else")
    await desk.summaries.summarise(PLACE, MIRA_ID)
    async with desk.database.reader() as snapshot:
        found = await snapshot.run(
            lambda c: c.execute(
                text(
                    "SELECT count(*) FROM recollection_words w JOIN recollections r "
                    "ON r.id = w.rowid WHERE r.kind = 'summary'"
                )
            ).scalar()
        )
    assert found == 1


async def test_an_undone_message_is_no_longer_summed_up(desk):
    await desk.talk(KEPT + SEGMENT)
    await desk.summaries.summarise(PLACE, MIRA_ID)
    async with desk.database.transaction() as tx:
        await tx.run(lambda c: c.execute(text("UPDATE messages SET active = 0 WHERE ordinal = 3")))
        await tx.run(settle, str(PLACE))
    assert await desk.recalled() == []
