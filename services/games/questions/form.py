"""What a question is and which are wished for."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

from services.domain.errors import InvalidRequest

CATEGORIES: Mapping[str, str] = {
    "general": "General knowledge",
    "science": "Science and nature",
    "computers": "Computers",
    "mathematics": "Mathematics",
    "history": "History",
    "geography": "Geography",
    "sports": "Sports",
    "animals": "Animals",
    "books": "Books",
    "film": "Film",
    "music": "Music",
    "mythology": "Mythology",
}
"""The categories by the words people type for them."""

MOST_QUESTIONS = 20
LONGEST_QUESTION = 300
LONGEST_ANSWER = 80


class Difficulty(StrEnum):
    """How hard a question is."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question; ``right`` is the place of the right one among the four ``options``, from 0."""

    category: str
    difficulty: Difficulty
    text: str
    options: Sequence[str]
    right: int

    @property
    def answer(self) -> str:
        """The right option."""
        return self.options[self.right]

    @classmethod
    def shuffled(
        cls,
        text: str,
        right: str,
        wrong: Sequence[str],
        *,
        category: str,
        difficulty: Difficulty,
        rng: random.Random,
    ) -> Self:
        """Return a question with its options in an order of chance."""
        options = [right, *wrong]
        rng.shuffle(options)
        return cls(
            category=category,
            difficulty=difficulty,
            text=text,
            options=tuple(options),
            right=options.index(right),
        )

    def as_json(self) -> dict[str, object]:
        """Return the question as JSON values."""
        return {
            "category": self.category,
            "difficulty": self.difficulty.value,
            "text": self.text,
            "options": list(self.options),
            "right": self.right,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return what ``as_json`` wrote."""
        return cls(
            category=values["category"],
            difficulty=Difficulty(values["difficulty"]),
            text=values["text"],
            options=tuple(values["options"]),
            right=values["right"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which questions are wished for; ``None`` is any."""

    count: int = 10
    category: str | None = None
    difficulty: Difficulty | None = None


class QuestionSource(Protocol):
    """Where questions come from."""

    async def questions(self, wish: Wish, /) -> Sequence[Question]:
        """Return at least one and at most ``wish.count`` different questions."""
        ...


def checked_wish(category: str = "", difficulty: str = "", count: int = 10) -> Wish:
    """Return a wish as it was typed, empty or ``any`` for any; raises ``InvalidRequest``."""
    kind, level = category.strip().casefold(), difficulty.strip().casefold()
    if kind not in {*CATEGORIES, "", "any"}:
        raise InvalidRequest("trivia_category", f"Choose of these: {', '.join(CATEGORIES)}.")
    if level not in {*Difficulty, "", "any"}:
        raise InvalidRequest("trivia_difficulty", "Choose easy, medium or hard.")
    if not 1 <= count <= MOST_QUESTIONS:
        raise InvalidRequest("trivia_count", f"A game has 1 to {MOST_QUESTIONS} questions.")
    return Wish(
        count=count,
        category=kind if kind in CATEGORIES else None,
        difficulty=Difficulty(level) if level not in {"", "any"} else None,
    )
