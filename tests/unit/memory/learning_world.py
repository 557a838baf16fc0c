"""A database in which people and characters talk, and a learner that reads along."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.conversation.history import History
from services.domain.clock import Clock
from services.domain.events import MessageRecorded
from services.domain.ids import AuthorId, IdSource, MessageId, PersonaId
from services.domain.messages import HistoryEntry, Source, Visibility
from services.domain.people import Author, AuthorKind
from services.events.local import LocalEventBus
from services.llm.model import ChatModel
from services.memory.learning.affection import Affections
from services.memory.learning.fact import Fact
from services.memory.learning.facts import Facts
from services.memory.learning.learner import Learner
from services.memory.learning.lessons import Lessons
from services.memory.learning.thinking_over import ThinkingOver
from services.people.repository import PeopleRepository
from services.persona.prompts import PromptLibrary
from services.settings import LlmSettings, MemorySettings
from services.storage.database import Database
from services.storage.tables import facts as fact_table
from tests.unit.storage.samples import ALICE, PLACE, Said, database_in

SYSTEM = Author(id=AuthorId("discord", "system"), display_name="System", kind=AuthorKind.SYSTEM)
HELPER = Author(id=AuthorId("discord", "helper"), display_name="Helper", kind=AuthorKind.BOT)
WITNESSES: frozenset[AuthorId | PersonaId] = frozenset({ALICE.id, PersonaId("mira")})
_PROMPTS = Path(__file__).parents[3] / "prompts"


class OneModel:
    """A source of one model."""

    def __init__(self, model: ChatModel) -> None:
        self.model = model

    async def get(self, name: str | None = None) -> ChatModel:
        return self.model


class LearningWorld:
    """What is said here is in the database at once; ``restart`` forgets all but the database."""

    def __init__(self, database: Database, clock: Clock, ids: IdSource) -> None:
        self.database = database
        self.clock = clock
        self.ids = ids
        self.bus = LocalEventBus()
        self.history = History()
        self.people = PeopleRepository(ids)
        self.said = Said(ids, clock)
        self.facts = Facts(ids)
        self.affections = Affections()
        self.model: ChatModel | None = None
        self.settings = MemorySettings(learning="rules")
        self.learner = self.restart()

    def restart(self, **more: Any) -> Learner:
        lessons = Lessons(facts=self.facts, affections=self.affections, clock=self.clock)
        thinking = None
        if self.model is not None:
            thinking = ThinkingOver(
                OneModel(self.model), PromptLibrary(_PROMPTS), self.settings, LlmSettings()
            )
        self.learner = Learner(
            database=self.database,
            bus=self.bus,
            lessons=lessons,
            clock=self.clock,
            settings=self.settings,
            thinking_over=thinking,
            settle_seconds=0.0,
            **more,
        )
        return self.learner

    def think_with(self, model: ChatModel) -> Learner:
        self.model = model
        self.settings = MemorySettings(learning="model")
        return self.restart()

    async def say(
        self,
        words: str,
        author: Author = ALICE,
        *,
        place=PLACE,
        source: Source | None = None,
        visibility: Visibility = Visibility.SHARED,
        witnesses=None,
    ) -> HistoryEntry:
        """Store a message heard by Mira, and publish that it is there."""
        message = replace(self.said(words, author, place=place), visibility=visibility)
        message = replace(message, source=source or message.source)
        async with self.database.transaction() as tx:
            if author.kind is AuthorKind.HUMAN:
                person = await self.people.ensure(tx, author, at=self.clock.now())
                message = replace(message, author=replace(author, person=person))
            heard: frozenset[AuthorId | PersonaId] = (
                WITNESSES if witnesses is None else frozenset(witnesses)
            )
            recorded = await self.history.record(tx, message, witnesses=heard)
        self.bus.publish(MessageRecorded(entry=recorded.entry))
        return recorded.entry

    async def known(self) -> list[Fact]:
        async with self.database.reader() as snapshot:
            return await snapshot.run(self.facts.load, fact_table.c.id.is_not(None))

    async def standing(self) -> list[tuple[str, str]]:
        return sorted((each.slot, each.value) for each in await self.known() if each.standing)

    async def authors(self) -> dict[MessageId, str]:
        async with self.database.reader() as snapshot:
            rows = await snapshot.run(
                lambda connection: connection.exec_driver_sql(
                    "SELECT id, author_kind FROM messages"
                ).all()
            )
        return {row[0]: row[1] for row in rows}


@asynccontextmanager
async def learning_in(
    folder: Path, clock: Clock, ids: IdSource
) -> AsyncGenerator[LearningWorld, None]:
    """A world whose database is opened and closed around the test."""
    async with database_in(folder, clock) as database:
        yield LearningWorld(database, clock, ids)
