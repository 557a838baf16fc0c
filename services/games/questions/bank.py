"""The questions that are shipped."""

from __future__ import annotations

import asyncio
import random
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from services.games.questions.form import CATEGORIES, Difficulty, Question, Wish

_FOLDER = Path(__file__).parent


class QuestionBank:
    """Questions of our own, read at first use; right also without a network."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    async def questions(self, wish: Wish, /) -> Sequence[Question]:
        """Return different questions in an order of chance; fewer where there are not so many."""
        rows = await asyncio.to_thread(_shipped)
        fitting = [
            row
            for row in rows
            if wish.category in {None, row[0]} and wish.difficulty in {None, row[1]}
        ]
        chosen = self._rng.sample(fitting, min(wish.count, len(fitting)))
        return [
            Question.shuffled(
                text, right, wrong, category=category, difficulty=difficulty, rng=self._rng
            )
            for category, difficulty, text, right, wrong in chosen
        ]


@lru_cache(maxsize=1)
def _shipped() -> Sequence[tuple[str, Difficulty, str, str, tuple[str, ...]]]:
    found = []
    for category in CATEGORIES:
        levels = tomllib.loads((_FOLDER / f"{category}.toml").read_text("utf-8"))
        for level in Difficulty:
            for text, right, *wrong in levels[level]:
                found.append((category, level, text, right, tuple(wrong)))
    return found
