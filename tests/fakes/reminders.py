"""Reminders over real SQLite, and frontends that note what they are to tell."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select

from services.domain.clock import Clock
from services.domain.ids import AuthorId, ConversationId, PersonaId, UlidSource
from services.domain.people import Author
from services.reminders import repository
from services.reminders.dispatcher import ReminderDispatcher
from services.reminders.outcomes import Pace
from services.reminders.phrasing import Phrasing, Speaker
from services.reminders.posts import Announcement, Posting, ReminderPosts
from services.reminders.reminder import Reminder
from services.reminders.service import Reminders
from services.reminders.tables import reminders
from services.reminders.zones import Zones
from services.settings import StorageSettings
from services.storage.database import Database

PATIENCE = 20.0
PLACE = ConversationId("test", "guild", "main")
SAM = Author(id=AuthorId("test", "sam"), display_name="Sam")
KIM = Author(id=AuthorId("test", "kim"), display_name="Kim")
QUICK = Pace(pauses=(0.0, 0.0), absent=0.05, lease=60.0)


class NoThinker:
    """A model that never answers."""

    async def answer(self, kind, question, form, *, urgency):
        return None


class NoPrompts:
    """Prompts nobody reads."""

    def render(self, name: str, **values: object) -> str:
        return name


class NoZones:
    """People who chose no zone, unless one is given for all."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    async def of_author(self, _author: Author | None) -> str | None:
        return self.name


class RecordingPost:
    """Notes what it is to tell; ``answers`` are used up first, then everything is posted."""

    def __init__(self, *answers: Posting | Exception) -> None:
        self.answers = list(answers)
        self.told: list[Announcement] = []
        self.tried: list[Announcement] = []
        self.hold: Callable[[Announcement], Awaitable[None]] | None = None
        self._news = asyncio.Condition()

    async def deliver(self, announcement: Announcement, /) -> Posting:
        if self.hold is not None:
            await self.hold(announcement)
        async with self._news:
            self.tried.append(announcement)
            answer = self.answers.pop(0) if self.answers else Posting.POSTED
            if answer is Posting.POSTED:
                self.told.append(announcement)
            self._news.notify_all()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def tries(self, count: int) -> list[Announcement]:
        """Wait until there were so many tries."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(self.tried) >= count)
        return self.tried


async def unscreened(text: str, conversation: ConversationId) -> str:
    """Let a character say everything."""
    return text


@dataclass
class ReminderWorld:
    """The parts, and short ways to use them."""

    database: Database
    clock: Clock
    ids: UlidSource
    posts: ReminderPosts
    service: Reminders
    people: NoZones
    thinker: object = field(default_factory=NoThinker)

    def dispatcher(self, pace: Pace = QUICK) -> ReminderDispatcher:
        """Return what delivers, to be entered."""
        phrasing = Phrasing(
            self.thinker,  # type: ignore[arg-type]
            NoPrompts(),
            speaker=lambda _persona: Speaker(name="Mira", manner="calm"),
            screen=unscreened,
        )
        return ReminderDispatcher(
            database=self.database,
            clock=self.clock,
            posts=self.posts,
            phrasing=phrasing,
            pace=pace,
        )

    def reminder(self, text: str, due: datetime, **more: object) -> Reminder:
        """Return a reminder that is not stored."""
        values: dict[str, object] = {
            "id": self.ids.new(),
            "number": 0,
            "owner": SAM.id,
            "conversation": PLACE,
            "persona": PersonaId("mira"),
            "text": text,
            "due_at": due,
            "starts_at": due,
            "timezone": "Europe/Berlin",
            "created_at": self.clock.now(),
            **more,
        }
        return Reminder(**values)  # type: ignore[arg-type]

    async def add(
        self, text: str = "feed the cat", *, in_: float = 0.0, **more: object
    ) -> Reminder:
        """Store a reminder that is due in so many seconds."""
        due = self.clock.now() + timedelta(seconds=in_)
        async with self.database.steps() as tx:
            kept = await tx.run(repository.add, self.reminder(text, due, **more))
        self.posts.news()
        return kept

    async def add_many(self, kept: Sequence[Reminder]) -> None:
        """Store many at once, past every limit."""
        rows = [repository.values_of(one) for one in kept]

        def work(connection: Connection) -> None:
            connection.execute(insert(reminders), rows)

        async with self.database.steps() as tx:
            await tx.run(work)

    async def rows(self) -> list[dict[str, object]]:
        """Return everything stored."""
        async with self.database.reader() as snapshot:
            return await snapshot.run(
                lambda connection: [
                    dict(row) for row in connection.execute(select(reminders)).mappings()
                ]
            )

    async def until(self, condition: Callable[[list[dict[str, object]]], bool]) -> None:
        """Wait until the rows are as wanted."""
        async with asyncio.timeout(PATIENCE):
            while not condition(await self.rows()):  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.01)


@asynccontextmanager
async def reminder_world(
    folder: Path, clock: Clock, *, zone: str | None = "Europe/Berlin", place: str = ""
) -> AsyncIterator[ReminderWorld]:
    """Open a database in ``folder`` and what works on it; ``zone`` is everybody's own."""
    ids = UlidSource(clock, random.Random(7))
    people = NoZones(zone)
    posts = ReminderPosts()

    async def of_place(_conversation: ConversationId) -> str:
        return place

    async with Database(StorageSettings(data=folder), clock=clock) as database:
        service = Reminders(
            database=database,
            clock=clock,
            ids=ids,
            zones=Zones(people, of_place, machine="America/New_York"),
            news=posts.news,
        )
        yield ReminderWorld(database, clock, ids, posts, service, people)


def berlin(moment: str) -> datetime:
    """Return a moment by the clock in Berlin."""
    return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Berlin"))
