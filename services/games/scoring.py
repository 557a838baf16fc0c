"""How answers count."""

from __future__ import annotations

from services.games.questions import Difficulty

WORTH = {Difficulty.EASY: 100, Difficulty.MEDIUM: 200, Difficulty.HARD: 300}
"""What a right answer is worth when it comes at once."""

LONGEST_BONUS = 5
"""Right answers in a row that count."""


def points(difficulty: Difficulty, *, seconds: float, allowed: float, streak: int) -> int:
    """Return what a right answer counts.

    Half of what the question is worth is sure; the other half falls evenly over the ``allowed``
    seconds. Each right answer in a row before this one, ``streak``, adds a tenth, five at most.
    """
    left = 1 - min(max(seconds, 0.0), allowed) / allowed
    bonus = 1 + min(max(streak, 0), LONGEST_BONUS) / 10
    return round(WORTH[difficulty] * (1 + left) / 2 * bonus)
