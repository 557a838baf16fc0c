"""People who talk all at once, and what can go wrong with the model they talk to."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.conversation.inbound import Addressing, Inbound, Receipt
from services.domain.errors import AcoreError
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import Message, Modality, TextPart
from services.domain.people import Author, Role
from services.domain.replies import TurnBrief
from services.factory import ServiceFactory
from tests.fakes.ollama_server import Answer
from tests.fakes.recording import RecordingSink, SpokenSink, assert_grammar
from tests.journeys.soak_report import Report

FAULTS = {
    "stall first": Answer(stall_after=0),
    "stall later": Answer(stall_after=2),
    "cut": Answer(cut_after=2),
    "cut at once": Answer(cut_after=0),
    "end early": Answer(end_after=1),
    "garbage": Answer(raw_after=(1, b"\xff{garbage\n")),
    "error line": Answer(error_after=2, error="llama runner process has terminated"),
    "500": Answer(status=500, error="oops"),
    "502 page": Answer(status=502, error="<html><body>Bad gateway</body></html>"),
    "503": Answer(status=503, error="server busy"),
    "429": Answer(status=429, error="too many requests"),
    "empty": Answer(pieces=()),
    "empty, length": Answer(pieces=(), done_reason="length"),
    "length": Answer(done_reason="length"),
    "endless": Answer(pieces=("On and on. ",), endless=True),
    "slow": Answer(pieces=("A ", "slow ", "answer."), delay_first=0.3, delay_each=0.1),
    "torn letters": Answer(pieces=("Ünïcödé ", "日本語。", "🙂"), write_bytes=3),
}
_WORDS = (
    *("the", "heron", "flies", "over", "a", "cold", "lake", "while", "somebody", "boils"),
    *("tea", "in", "the", "café", "and", "tells", "of", "winter"),
)
_STUCK_SECONDS = 60.0


class Crowd:
    """People who talk, interrupt and change their minds; every turn is held to its promises."""

    def __init__(self, services: ServiceFactory, report: Report, rng: random.Random) -> None:
        self._services = services
        self._report = report
        self._rng = rng
        self._actions = Counter[str]()
        self._ends = Counter[str]()
        self._refused = Counter[str]()

    @asynccontextmanager
    async def open(self, turn: TurnBrief, /) -> AsyncIterator[Sequence[RecordingSink]]:
        """Deliver one turn and look at all its events."""
        sinks: list[RecordingSink] = [RecordingSink()]
        if self._rng.random() < 0.1:
            sinks.append(SpokenSink(seconds=0.01))
        if self._rng.random() < 0.05:
            sinks.append(RecordingSink(fail_at=1))
        self._report.turns += 1
        try:
            yield sinks
        finally:
            try:
                assert_grammar(sinks[0].events)
            except AssertionError as error:
                self._report.problem(f"turn {turn.turn}: {error}: {sinks[0].kinds}")
            else:
                self._ends[sinks[0].kinds[-1]] += 1

    async def act(self, place: ConversationId) -> None:
        """Do one thing people do."""
        actions = {
            self.say: 60,
            self.say_twice: 8,
            self.barge_in: 4,
            self.stop: 8,
            self.regenerate: 5,
            self.swipe: 3,
            self.go_on: 3,
            self.edit: 3,
            self.undo: 3,
            self.reset: 1,
            self.look: 2,
        }
        action = self._rng.choices(list(actions), list(actions.values()))[0]
        self._actions[action.__name__] += 1
        try:
            async with asyncio.timeout(_STUCK_SECONDS):
                await action(place)
        except TimeoutError:
            self._report.problem(f"{action.__name__} in {place} never ended")
        except AcoreError as error:
            self._refused[error.code] += 1
        except Exception as error:  # noqa: BLE001  the report tells of every failure
            self._report.problem(f"{action.__name__}: {error!r}")

    async def say(self, place: ConversationId) -> None:
        await (await self._post(place)).outcome()

    async def say_twice(self, place: ConversationId) -> None:
        first = await self._post(place)
        await asyncio.sleep(self._rng.uniform(0.0, 0.1))
        second = await self._post(place)
        await first.outcome()
        await second.outcome()

    async def barge_in(self, place: ConversationId) -> None:
        first = await self._post(place, Modality.VOICE)
        await asyncio.sleep(self._rng.uniform(0.0, 0.1))
        second = await self._post(place, Modality.VOICE)
        await first.outcome()
        await second.outcome()

    async def stop(self, place: ConversationId) -> None:
        receipt = await self._post(place)
        await asyncio.sleep(self._rng.uniform(0.0, 0.2))
        self._services.conversations().stop(place)
        await receipt.outcome()

    async def regenerate(self, place: ConversationId) -> None:
        receipt = await self._services.conversations().regenerate(
            place, self, by=person(place), role=Role.OWNER
        )
        await receipt.outcome()

    async def swipe(self, place: ConversationId) -> None:
        step = self._rng.choice((-1, 1))
        swiped = await self._services.conversations().swipe(
            place, step, self, by=person(place), role=Role.OWNER
        )
        if isinstance(swiped, Receipt):
            await swiped.outcome()

    async def go_on(self, place: ConversationId) -> None:
        receipt = await self._services.conversations().continue_reply(
            place, self, by=person(place), role=Role.OWNER
        )
        await receipt.outcome()

    async def edit(self, place: ConversationId) -> None:
        await self._services.conversations().edit(place, self._sentence(), by=person(place))

    async def undo(self, place: ConversationId) -> None:
        await self._services.conversations().undo(place, by=person(place))

    async def reset(self, place: ConversationId) -> None:
        await self._services.conversations().reset(place, by=person(place))

    async def look(self, place: ConversationId) -> None:
        await self._services.conversations().why(place)
        await self._services.conversations().recent(place, 50)

    def done(self) -> None:
        """Write the counts into the report."""
        self._report.actions = dict(self._actions)
        self._report.ends = dict(self._ends)
        self._report.refused = dict(self._refused)

    async def _post(self, place: ConversationId, modality: Modality = Modality.TEXT) -> Receipt:
        message = Message(
            id=MessageId(self._services.ids().new()),
            conversation=place,
            author=person(place),
            parts=(TextPart(text=self._sentence()),),
            created_at=self._services.clock().now(),
            modality=modality,
        )
        return await self._services.conversations().receive(
            Inbound(
                message=message,
                delivery=self,
                addressing=Addressing(private=True),
                role=Role.OWNER,
            )
        )

    def _sentence(self) -> str:
        return " ".join(self._rng.choices(_WORDS, k=self._rng.randrange(1, 40))) + "."


def person(place: ConversationId) -> Author:
    """The one who talks in ``place``."""
    return Author(id=AuthorId("test", f"person{place.channel}"), display_name="Sam")
