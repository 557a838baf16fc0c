"""How much of an answer reached people's ears."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard of an answer, exact to the sample; never less than a moment before.

    Every clause up to number ``clauses`` was heard whole. Of the one after it ``seconds`` were
    heard, and it lasts ``length`` seconds (``None`` until that is known, or where there is none).
    A fade-out does not count.
    """

    clauses: int = 0
    seconds: float = 0.0
    length: float | None = None
