"""Takes out what a recogniser invents: loops, words for silence, more than anybody can say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from services.voice.listening.wording import Phrase, Wording, words_of

MOST_WORDS_PER_SECOND = 7.0
"""Twice the rate of lively English conversation (about 3.5 words a second)."""

_UNJUDGED_WORDS = 3
_LEAD_SECONDS = 0.3
_MOST_REPEATS = 3
_LONGEST_LOOP = 8
_LITTLE_SPEECH = 0.35
_CONFIDENT = 0.6
_MOST_CHARACTERS = 4000
_ANNOTATION = re.compile(r"\[[^\]]{0,80}\]|\([^)]{0,80}\)|\*[^*]{0,80}\*|[♪♫]+")
_SPACES = re.compile(r"\s+")


class Suspicion(StrEnum):
    """Why a transcript was taken for invented."""

    LOOP = "loop"
    PHANTOM = "phantom"
    TOO_FAST = "too_fast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What is left of a transcript; ``suspicion`` says why it is not all of it."""

    text: str
    suspicion: Suspicion | None = None


def guarded(
    text: str, /, *, wording: Wording, voiced: float, confidence: float | None = None
) -> Guarded:
    """Return the text without what was invented; ``voiced`` is the seconds of speech behind it.

    Notes such as ``[music]`` go; a loop of up to eight words said more than three times is said
    once; phrases that recognisers make of silence go, those that people also say only when little
    was voiced and the engine was not sure; more than seven words a second are nobody's.
    """
    spoken = _SPACES.sub(" ", _ANNOTATION.sub(" ", text[:_MOST_CHARACTERS])).strip()
    words = words_of(spoken)
    if not words:
        return Guarded(text="")
    if words in wording.phantoms or _invented(words, wording, voiced, confidence):
        return Guarded(text="", suspicion=Suspicion.PHANTOM)
    unlooped = _unlooped(spoken.split(" "))
    left = words_of(unlooped)
    allowed = max(_UNJUDGED_WORDS, (voiced + _LEAD_SECONDS) * MOST_WORDS_PER_SECOND)
    if len(left) > allowed:
        return Guarded(text="", suspicion=Suspicion.TOO_FAST)
    if len(left) == len(words):
        return Guarded(text=spoken)
    return Guarded(text=unlooped, suspicion=Suspicion.LOOP)


def _invented(words: Phrase, wording: Wording, voiced: float, confidence: float | None) -> bool:
    unsure = confidence is None or confidence < _CONFIDENT
    return words in wording.doubtful and voiced < _LITTLE_SPEECH and unsure


def _unlooped(tokens: list[str]) -> str:
    folded = [words_of(token) for token in tokens]
    kept: list[str] = []
    start = 0
    while start < len(tokens):
        length, repeats = _loop_at(folded, start)
        kept += tokens[start : start + length]
        start += length * repeats
    return " ".join(kept)


def _loop_at(folded: list[Phrase], start: int) -> tuple[int, int]:
    for length in range(1, min(_LONGEST_LOOP, len(folded) - start) + 1):
        phrase = folded[start : start + length]
        repeats = 1
        while folded[start + repeats * length : start + (repeats + 1) * length] == phrase:
            repeats += 1
        if repeats > _MOST_REPEATS:
            return length, repeats
    return 1, 1
