"""What games show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.domain.errors import InvalidRequest
from services.domain.ids import ConversationId
from services.games.questions import Question


class Ending(StrEnum):
    """Why a game of trivia is over."""

    FINISHED = "finished"
    STOPPED = "stopped"
    DESERTED = "deserted"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """Somebody in a game, with what they have so far."""

    name: str
    points: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TriviaGame:
    """A running game at its question ``number`` of ``count``; ``stamp`` tells that question apart.

    ``players`` are in order of their points.
    """

    where: ConversationId
    number: int
    count: int
    question: Question
    stamp: int
    seconds: int
    ends_at: datetime
    players: Sequence[Player]

    def as_json(self) -> dict[str, object]:
        """Return the game as JSON values, without the right answer."""
        return {
            "number": self.number,
            "count": self.count,
            "category": self.question.category,
            "difficulty": self.question.difficulty.value,
            "question": self.question.text,
            "options": list(self.question.options),
            "seconds": self.seconds,
            "players": {one.name: one.points for one in self.players},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A question that is over; ``scored`` are who was right, with their points for it."""

    number: int
    count: int
    answer: str
    scored: Sequence[Player]
    answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a game went on: what was ``closed``, and the next question or the ``ending``."""

    where: ConversationId
    closed: Closed | None
    game: TriviaGame | None
    ending: Ending | None
    players: Sequence[Player]

    def as_json(self) -> dict[str, object]:
        """Return the step as JSON values."""
        return {
            "answer": self.closed.answer if self.closed else None,
            "scored": {one.name: one.points for one in self.closed.scored} if self.closed else {},
            "ending": self.ending.value if self.ending else None,
            "players": {one.name: one.points for one in self.players},
            "next": self.game.as_json() if self.game else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What somebody has in a place, over all games there."""

    name: str
    points: int = 0
    right: int = 0
    asked: int = 0
    streak: int = 0
    best_streak: int = 0
    games: int = 0
    wins: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the score as JSON values."""
        return {
            "name": self.name,
            "points": self.points,
            "right": self.right,
            "asked": self.asked,
            "streak": self.streak,
            "best_streak": self.best_streak,
            "games": self.games,
            "wins": self.wins,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Dilemma:
    """Two things of which one would be rather; ``votes`` count each."""

    number: int
    theme: str
    first: str
    second: str
    votes: tuple[int, int]

    def as_json(self) -> dict[str, object]:
        """Return the dilemma as JSON values."""
        return {
            "number": self.number,
            "theme": self.theme,
            "options": [self.first, self.second],
            "votes": list(self.votes),
        }


def named(name: str) -> str:
    """Return somebody's name on one line of at most 80 characters."""
    return " ".join(name.split())[:80] or "somebody"


def written(text: str, *, longest: int, what: str) -> str:
    """Return text without spaces around it; raises ``InvalidRequest`` naming ``what`` is meant."""
    kept = text.replace("\0", "").strip()
    if not kept or len(kept) > longest:
        raise InvalidRequest("game_text", f"Write {what}, in {longest} characters at most.")
    return kept
