"""What a question and a turn say about each other besides their words and meaning."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from services.memory.recall.periods import Period
from services.memory.recall.tuning import RecallTuning
from services.memory.recall.words import STOP_WORDS, tokens

Floats = NDArray[np.float64]

_DAY = 86_400.0
_ASKER = frozenset({"i", "me", "mine", "my", "myself"})
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_TIMES = """
    ago last morning month next night recently since today tomorrow tonight week weekend year
    yesterday spring summer autumn fall winter
    monday tuesday wednesday thursday friday saturday sunday
    january february march april may june july august september october november december
"""
_TELLING_TIME = frozenset(_TIMES.split())
_TYPICAL_WORDS = 20
_CHARACTERS_A_WORD = 6


def speakers_named(question: str, speakers: Collection[str]) -> frozenset[str]:
    """Return those of ``speakers`` that ``question`` names, by their name or a part of it."""
    asked = set(tokens(question)) - STOP_WORDS
    return frozenset(name for name in speakers if not asked.isdisjoint(tokens(name)))


def asks_of_self(question: str) -> bool:
    """Tell whether who asks speaks of themselves."""
    return not _ASKER.isdisjoint(tokens(question))


def closeness(said_at: Floats, wanted: Sequence[Period], tuning: RecallTuning) -> Floats:
    """Return how near turns are to one of the periods, 1 inside and halving with the distance.

    ``said_at`` are seconds since 1970. Periods too long to tell anything are left out.
    """
    near = np.zeros(len(said_at))
    for period in wanted:
        start, end = _seconds(period.start), _seconds(period.end)
        if end - start > tuning.longest_period_days * _DAY:
            continue
        off = np.maximum(np.maximum(start - said_at, said_at - end), 0.0)
        np.maximum(near, 0.5 ** (off / (_DAY * tuning.period_half_life_days)), out=near)
    return near


def form(text: str, tuning: RecallTuning) -> float:
    """Return what the form of a turn adds to its score: its length, asking, telling when."""
    words = min(len(text) / _CHARACTERS_A_WORD, tuning.longest_words)
    score = tuning.length * math.log((1 + words) / (1 + _TYPICAL_WORDS))
    if "?" in text:
        score += tuning.asking
    if not _TELLING_TIME.isdisjoint(tokens(text)) or _YEAR.search(text):
        score += tuning.telling_time
    return score


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
