"""What the words alone tell about whether a turn is over."""

from __future__ import annotations

from enum import StrEnum

from services.voice.listening.wording import CLOSING, Phrase, Wording, words_of

_LONGEST_ENDING = 5
_ASKING_FOR_MORE = (
    ",",
    ";",
    ":",
    "-",
    "\N{EN DASH}",
    "\N{EM DASH}",
    "\N{HORIZONTAL ELLIPSIS}",
    "...",
)


class Completeness(StrEnum):
    """``FINISHED`` words make a whole; ``OPEN`` ones may; ``UNFINISHED`` ones ask for more."""

    FINISHED = "finished"
    OPEN = "open"
    UNFINISHED = "unfinished"


def completeness(text: str, wording: Wording, /) -> Completeness:
    """Judge a transcript by its last words, its length and its punctuation."""
    spoken = words_of(text)
    if not spoken:
        return Completeness.OPEN
    if spoken in wording.short_answers | wording.finished:
        return Completeness.FINISHED
    if _ends_in(spoken, wording.fillers):
        return Completeness.UNFINISHED
    bare = text.rstrip(CLOSING)
    whole = bare.endswith("?") or _ends_in(spoken, wording.finished, shortest=2)
    if not whole and _ends_in(spoken, wording.unfinished):
        return Completeness.UNFINISHED
    if bare.endswith(_ASKING_FOR_MORE):
        return Completeness.UNFINISHED
    return Completeness.FINISHED if bare.endswith((".", "!", "?")) else Completeness.OPEN


def _ends_in(spoken: Phrase, phrases: frozenset[Phrase], *, shortest: int = 1) -> bool:
    longest = min(_LONGEST_ENDING, len(spoken))
    return any(spoken[-count:] in phrases for count in range(shortest, longest + 1))
