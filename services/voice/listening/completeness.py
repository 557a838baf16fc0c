"""What the words alone tell about whether a turn is over."""

from __future__ import annotations

import re
from enum import StrEnum

from services.voice.listening.wording import CLOSING, Phrase, Wording, words_of

_LONGEST_PHRASE = 5
_LONGEST_HALF = 9
_SENTENCE = re.compile(r"[.!?\u2026]+\s+")
_WITHIN = re.compile(r"[,;:]")
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
    """Judge a transcript by how its last sentence begins and ends, and by its punctuation.

    Recognisers put a full stop or a question mark after anything, so what is written after a word
    that nothing can end in counts for little.
    """
    last = _SENTENCE.split(text.rstrip(CLOSING))[-1]
    spoken = words_of(last) or words_of(text)
    if not spoken:
        return Completeness.OPEN
    if words_of(text) in wording.short_answers | wording.finished:
        return Completeness.FINISHED
    bare = last.rstrip(CLOSING)
    if _ends_in(spoken, wording.fillers) or bare.endswith(_ASKING_FOR_MORE):
        return Completeness.UNFINISHED
    if not _ends_in(spoken, wording.finished, shortest=2):
        lacking = _lacking(spoken, bare, wording)
        if lacking is not None:
            return lacking
    return Completeness.FINISHED if bare.endswith((".", "!", "?")) else Completeness.OPEN


def _lacking(spoken: Phrase, bare: str, wording: Wording) -> Completeness | None:
    """Return what a sentence is that lacks something; ``None`` when it does not."""
    asked = bare.endswith("?")
    if _ends_in(spoken, wording.dangling):
        return Completeness.UNFINISHED
    if not asked and _ends_in(spoken, wording.unfinished):
        return Completeness.UNFINISHED
    if not asked and _is_half(spoken, bare, wording):
        return Completeness.UNFINISHED
    if _ends_in(spoken, wording.stranded) and len(spoken) > 1:
        named = any((word,) in wording.asking for word in spoken[:-1])
        if asked:
            return None if named else Completeness.OPEN
        return Completeness.OPEN if named else Completeness.UNFINISHED
    return Completeness.OPEN if _ends_in(spoken, wording.awaiting) else None


def _is_half(spoken: Phrase, bare: str, wording: Wording) -> bool:
    """Say whether a sentence such as "when I was a child" lacks its other half."""
    opened = any(spoken[:count] in wording.openers for count in range(1, _LONGEST_PHRASE))
    return opened and 1 < len(spoken) <= _LONGEST_HALF and _WITHIN.search(bare) is None


def _ends_in(spoken: Phrase, phrases: frozenset[Phrase], *, shortest: int = 1) -> bool:
    longest = min(_LONGEST_PHRASE, len(spoken))
    return any(spoken[-count:] in phrases for count in range(shortest, longest + 1))
