"""A place to play in: real rows, a clock that stands still, questions that are known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author
from services.games.questions import Difficulty, Question, Wish
from services.games.stories import Stories
from services.games.story import Story
from services.games.storyteller import Speaker
from services.games.trivia import Trivia
from services.settings import StorageSettings
from services.storage.database import Database
from tests.fakes.clock import ManualClock

SAM = Author(id=AuthorId("test", "sam"), display_name="Sam")
KIM = Author(id=AuthorId("test", "kim"), display_name="Kim")
LEE = Author(id=AuthorId("test", "lee"), display_name="Lee")
HERE = ConversationId("test", "guild", "general")
NEXT_DOOR = ConversationId("test", "guild", "random")
ELSEWHERE = ConversationId("test", "other", "general")
NOW = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
SECONDS = 20


class KnownQuestions:
    """Questions whose right answer is the second option."""

    async def questions(self, wish: Wish, /) -> Sequence[Question]:
        return [
            Question(
                category="general",
                difficulty=wish.difficulty or Difficulty.EASY,
                text=f"Question {number}?",
                options=("wrong", "right", "also wrong", "wrong too"),
                right=1,
            )
            for number in range(1, wish.count + 1)
        ]


@dataclass
class Teller:
    """Says one thing, and keeps what it was asked."""

    says: str = "And then it rained."
    asked: list[tuple[Story, Speaker]] = field(default_factory=list)

    async def go_on(self, story: Story, speaker: Speaker, *, tenant: str) -> str:
        self.asked.append((story, speaker))
        return self.says


@dataclass
class Games:
    """What is played with."""

    trivia: Trivia
    stories: Stories
    teller: Teller
    database: Database
    clock: ManualClock
    woken: list[int] = field(default_factory=list)


@asynccontextmanager
async def games(folder: Path) -> AsyncIterator[Games]:
    """Open a place to play in."""
    clock, woken, teller = ManualClock(NOW), [], Teller()
    async with Database(StorageSettings(data=folder), clock=clock) as database:
        trivia = Trivia(
            database=database,
            clock=clock,
            source=KnownQuestions(),
            seconds=SECONDS,
            news=lambda: woken.append(1),
        )
        stories = Stories(database=database, clock=clock, storyteller=teller)
        yield Games(trivia, stories, teller, database, clock, woken)
