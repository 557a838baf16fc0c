"""Whatever is edited, deleted, regenerated or stopped while answers run: nothing goes astray."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from services.conversation.inbound import Receipt
from services.domain.errors import NotFound
from services.domain.ids import MessageId
from services.domain.messages import Alternatives
from services.domain.people import Author, Role
from services.domain.replies import TurnFinished
from services.llm.model import ChatRequest, ContentDelta, ModelEvent
from services.storage.tables import conversations, messages, turns
from tests.fakes.app import KIM, PLACE, SAM, App, opened_app
from tests.fakes.recording import RecordingDelivery, assert_grammar
from tests.fakes.scripted_model import ScriptedModel

STEPS = 40


class SteppedModel(ScriptedModel):
    """Says one word whenever the test says so; ``hurry`` lets everything out."""

    def __init__(self) -> None:
        super().__init__(lambda _: f"R{len(self.requests)}x one two. three four.")
        self._steps = asyncio.Semaphore(0)
        self.hurry = False

    def step(self, words: int) -> None:
        for _ in range(words):
            self._steps.release()

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Follow the script, a word for each step."""
        async with aclosing(super().stream(request)) as events:
            async for event in events:
                if isinstance(event, ContentDelta) and not self.hurry:
                    await self._steps.acquire()
                yield event


@dataclass
class Sent:
    """A message as its platform shows it.

    ``changes`` are its texts, ``None`` when it was deleted, and how many turns had begun then.
    """

    external: str
    author: Author
    text: str
    receipt: Receipt
    gone: bool = False
    changes: list[tuple[int, str | None]] = field(default_factory=list)

    def read(self, turn: int) -> str | None:
        """Return what it said when a turn, counted from 0, began."""
        return [text for begun, text in self.changes if begun <= turn][-1]


@dataclass
class Play:
    """Does random things, and knows what must be left in the end."""

    app: App
    model: SteppedModel
    chance: random.Random
    delivery: RecordingDelivery = field(default_factory=RecordingDelivery)
    sent: list[Sent] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    words: deque[str] = field(default_factory=lambda: deque(f"w{n}x" for n in range(1000)))
    erased: set[str] = field(default_factory=set)

    async def receive(self) -> None:
        author, word = self.chance.choice((SAM, KIM)), self.words.popleft()
        external = f"e{len(self.sent)}"
        receipt = await self.app.post(word, self.delivery, by=author, external=[external])
        self.sent.append(Sent(external, author, word, receipt, changes=[(0, word)]))
        self.receipts.append(receipt)

    async def corrected(self) -> None:
        sent = self._any()
        if sent is None:
            return
        word = self.words.popleft()
        done = await self.app.conversations.corrected(PLACE, sent.external, word, by=sent.author)
        assert done is not sent.gone
        if done:
            self.erased.add(sent.text)
            sent.text = word
            sent.changes.append((len(self.delivery.briefs), word))

    async def withdrawn(self) -> None:
        sent = self._any()
        if sent is not None:
            await self.app.conversations.withdrawn(PLACE, [sent.external])
            self.erased.add(sent.text)
            sent.gone = True
            sent.changes.append((len(self.delivery.briefs), None))

    async def stop(self) -> None:
        self.app.conversations.stop(PLACE)

    async def step(self) -> None:
        self.model.step(self.chance.randint(1, 5))

    async def breathe(self) -> None:
        await asyncio.sleep(self.chance.choice((0, 0, 0.001, 0.01)))

    async def regenerate(self) -> None:
        """Ask for another version once it is quiet, without holding the others up."""
        core = self.app.conversations
        with contextlib.suppress(NotFound):
            receipt = await core.regenerate(PLACE, self.delivery, by=SAM, role=Role.OWNER)
            self.receipts.append(receipt)

    async def swipe(self) -> None:
        step = self.chance.choice((-1, 1))
        try:
            swiped = await self.app.conversations.swipe(PLACE, step, self.delivery, by=SAM)
        except NotFound:
            return
        if not isinstance(swiped, Alternatives):
            self.receipts.append(swiped)

    async def play(self) -> None:
        """Do forty things; those that wait for quiet are waited for at the end."""
        at_once = (self.receive, self.corrected, self.withdrawn, self.stop, self.step, self.breathe)
        chances = (5, 5, 2, 1, 8, 8)
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            await self.receive()
            for _ in range(STEPS):
                if self.chance.random() < 0.15:
                    group.create_task(self.chance.choice((self.regenerate, self.swipe))())
                else:
                    await self.chance.choices(at_once, chances)[0]()
            self.model.hurry = True
            self.model.step(1000)
        async with asyncio.timeout(60):
            for receipt in self.receipts:
                await receipt.outcome()

    def _any(self) -> Sent | None:
        """Prefer the newest, which are those being answered."""
        among = self.sent[-3:] if self.chance.random() < 0.8 else self.sent
        return self.chance.choice(among) if among else None


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", range(16))
async def test_any_interleaving_leaves_the_history_in_step(tmp_path: Path, seed: int) -> None:
    model = SteppedModel()
    unlimited = {"user_limit": 10_000, "channel_limit": 10_000}
    async with opened_app(tmp_path, model, gate=unlimited) as app:
        play = Play(app, model, random.Random(seed))
        await play.play()
        for turn in play.delivery.turns():
            assert_grammar(turn)
        said = [text for _, text in await app.history()]
        left = [sent.text for sent in play.sent if not sent.gone]
        assert [text for text in said if text.startswith("w")] == left
        assert len([text for text in said if text.startswith("R")]) == len(
            {text.split()[0] for text in said if text.startswith("R")}
        )
        for sent in play.sent:
            outcome = await sent.receipt.outcome()
            assert outcome.terminals or outcome.withheld
            if sent.gone and outcome.withheld is not None:
                assert outcome.withheld.reason == "withdrawn"
        finished = {
            end.reply.message
            for sent in play.sent
            for end in (await sent.receipt.outcome()).terminals
            if isinstance(end, TurnFinished)
        }
        ended = {turn[-1].turn: turn[-1].kind for turn in play.delivery.turns()}  # type: ignore[union-attr]
        by_external = {sent.external: sent for sent in play.sent}
        for number, brief in enumerate(play.delivery.briefs):
            for message in brief.burst if ended[brief.turn] == "turn_finished" else ():
                assert message.text == by_external[message.external_ids[0]].read(number)
        async with app.factory.database().reader() as snapshot:
            await snapshot.run(_consistent, finished, play.erased)


def _consistent(connection: Connection, finished: set[MessageId], erased: set[str]) -> None:
    """Check the tree, the turns, and that no erased word is left in any of them."""
    rows = connection.execute(select(messages).order_by(messages.c.ordinal)).mappings().all()
    by_id = {row["id"]: row for row in rows}
    head = connection.execute(select(conversations.c.head_message_id)).scalar_one()
    active = [row for row in rows if row["active"]]
    assert len({row["parent_id"] for row in active}) == len(active)
    for row in rows:
        assert row["parent_id"] is None or by_id[row["parent_id"]]["ordinal"] < row["ordinal"]
    chain, at = [], head
    while at is not None:
        assert by_id[at]["active"]
        chain.append(at)
        at = by_id[at]["parent_id"]
    kept = [row for row in rows if row["deleted_at"] is None]
    answered = [by_id[at]["reply_to"] for at in chain if by_id[at]["author_kind"] == "persona"]
    assert len(set(answered)) == len(answered)
    assert {row["id"] for row in kept if row["author_kind"] == "human"} <= set(chain)
    assert finished <= set(by_id)
    for row in kept:
        versions = [one for one in rows if one["parent_id"] == row["parent_id"]]
        assert row["id"] in chain or any(one["id"] in chain for one in versions)
    assert not erased & {word for row in rows for word in row["written"].split()}
    states = connection.execute(select(turns.c.state, turns.c.delivered)).all()
    assert {state for state, _ in states} <= {"finished", "interrupted"}
    assert not any(delivered for _, delivered in states)
