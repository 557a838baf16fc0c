"""How a character answers: the ways of answering it blends, and at what length."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.persona.character import Persona
from services.persona.macros.dates import formatted
from services.persona.prompts import PromptLibrary

MOST_FRAMEWORKS = 3
"""Ways of answering that one prompt speaks of; more only blur each other."""

QUICK, CASUAL, DETAILED, STORY = 75, 150, 300, 450
"""Usual lengths of answers in tokens, for characters that do not say their own."""

_HIGH, _MEDIUM = 0.8, 0.5
_SHIFT = 0.3
_WORDS_PER_TOKEN = 0.75
_HEADROOM = 1.5
_QUICK_WORDS = 4
_DETAILED_WORDS = 40
_FRAMEWORK = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Occasion(StrEnum):
    """What kind of talk it is."""

    EMOTIONAL_SUPPORT = "emotional_support"
    CREATIVE_TASK = "creative_task"
    ANALYTICAL_TASK = "analytical_task"
    PLAYFUL_CHAT = "playful_chat"
    DEBATE = "debate"


class Strength(StrEnum):
    """How much of a way of answering shows: high from 0.8, medium from 0.5, low below."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


_SHIFTS: Mapping[Occasion, Mapping[str, float]] = {
    Occasion.EMOTIONAL_SUPPORT: {"caring": _SHIFT, "chaotic": -_SHIFT, "neuro": -_SHIFT},
    Occasion.CREATIVE_TASK: {"chaotic": _SHIFT},
    Occasion.ANALYTICAL_TASK: {"assistant": _SHIFT, "chaotic": -_SHIFT},
    Occasion.PLAYFUL_CHAT: {"chaotic": _SHIFT, "neuro": _SHIFT, "assistant": -_SHIFT},
    Occasion.DEBATE: {"neuro": _SHIFT, "assistant": _SHIFT, "caring": -_SHIFT},
}


def _words(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words.split())})\b", re.IGNORECASE)


# The first that fits counts.
_SIGNS: Mapping[Occasion, re.Pattern[str]] = {
    Occasion.EMOTIONAL_SUPPORT: _words(
        "sad lonely afraid scared anxious depressed crying cried grief overwhelmed heartbroken"
        " exhausted hopeless worried"
    ),
    Occasion.DEBATE: _words("disagree argue argument debate convince wrong unfair overrated"),
    Occasion.CREATIVE_TASK: _words(
        "story poem song lyrics imagine invent scene verse tale fiction haiku"
    ),
    Occasion.ANALYTICAL_TASK: _words(
        "explain analyse analyze compare calculate prove code debug error why how steps"
    ),
    Occasion.PLAYFUL_CHAT: _words("lol haha hahaha joke silly funny bet dare game pun"),
}
_TALE = _words("story tale fiction")


@dataclass(frozen=True, slots=True)
class Leaning:
    """A way of answering and how much of it shows."""

    framework: str
    strength: Strength


def blend(weights: Mapping[str, float], occasion: Occasion | None = None) -> tuple[Leaning, ...]:
    """Return the three heaviest ways of answering, the heaviest first.

    ``occasion`` moves weights by 0.3, but brings in nothing that is not there. Weights of 0 and
    less are left out; equal ones are in alphabetical order.
    """
    shifts = _SHIFTS[occasion] if occasion is not None else {}
    moved = {
        name: min(1.0, weight + shifts.get(name, 0.0))
        for name, weight in weights.items()
        if weight > 0
    }
    ranked = sorted((pair for pair in moved.items() if pair[1] > 0), key=lambda p: (-p[1], p[0]))
    return tuple(Leaning(name, _strength(weight)) for name, weight in ranked[:MOST_FRAMEWORKS])


def style_text(
    persona: Persona, prompts: PromptLibrary, *, occasion: Occasion | None = None
) -> str:
    """Return a few sentences on how ``persona`` answers, the name left as a macro.

    Without ``occasion`` they are the same in every turn. Ways of answering that have no template
    in ``prompts/frameworks`` are left out; empty when there is nothing to say.
    """
    leanings = [
        prompts.render(
            f"frameworks/{leaning.framework}", char="{{char}}", strength=str(leaning.strength)
        )
        for leaning in blend(persona.frameworks, occasion)
        if _FRAMEWORK.fullmatch(leaning.framework)
        and prompts.knows(f"frameworks/{leaning.framework}")
    ]
    words = _about(persona.verbosity * _WORDS_PER_TOKEN) if persona.verbosity else 0
    return prompts.render("layout/style", leanings=leanings, words=words)


def moment_text(now: datetime, prompts: PromptLibrary, *, zone: str = "", place: str = "") -> str:
    """Return a line with date and time of ``now``, which is in the person's zone, and the place."""
    when = formatted(now, "dddd, D MMMM YYYY, HH:mm")
    return prompts.render("layout/moment", when=when, zone=zone, place=place)


def answer_limit(persona: Persona, *, most: int) -> int:
    """Return the most tokens an answer may take, ``most`` without a length of the character's own.

    Half as much again as the length it aims at, so that answers end with their sentence.
    """
    if persona.verbosity is None:
        return most
    return min(most, math.ceil(persona.verbosity * _HEADROOM))


def occasion_of(text: str) -> Occasion | None:
    """Return what kind of talk ``text`` belongs to, by its words; English only."""
    return next((occasion for occasion, sign in _SIGNS.items() if sign.search(text)), None)


def usual_length(text: str) -> int:
    """Return the usual length in tokens of an answer to ``text``."""
    if _TALE.search(text):
        return STORY
    words = len(text.split())
    if words >= _DETAILED_WORDS or ("?" in text and _SIGNS[Occasion.ANALYTICAL_TASK].search(text)):
        return DETAILED
    return QUICK if words <= _QUICK_WORDS else CASUAL


def _strength(weight: float) -> Strength:
    if weight >= _HIGH:
        return Strength.HIGH
    return Strength.MEDIUM if weight >= _MEDIUM else Strength.LOW


def _about(words: float) -> int:
    return max(10, round(words / 10) * 10)
