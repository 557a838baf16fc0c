"""What people are doing, and which characters like it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from services.persona.character import Persona

LIKED_ENOUGH = 50
"""Points from which on a liking decides who answers."""

EXACT_POINTS = 100
CATEGORY_POINTS = 50
KEYWORD_POINTS = 25

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a platform says somebody is doing: the title, and words about it such as a genre."""

    kind: Literal["game", "stream", "listen", "watch"]
    title: str
    about: tuple[str, ...] = ()


def liking_for(activity: Activity, persona: Persona) -> int:
    """Return how much ``persona`` likes an activity, 0 to 100 points.

    100 for one it names, 50 for one of a category it names (``about`` holds it), 25 when the title
    shares a word with something it names. Only what it names for that kind of activity counts.
    """
    likes = [_folded(like) for like in persona.activities.get(activity.kind, ())]
    title = _folded(activity.title)
    if title in likes:
        return EXACT_POINTS
    if not set(likes).isdisjoint(_folded(word) for word in activity.about):
        return CATEGORY_POINTS
    words = set(_WORD.findall(title))
    for like in likes:
        if not words.isdisjoint(_WORD.findall(like)):
            return KEYWORD_POINTS
    return 0


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
