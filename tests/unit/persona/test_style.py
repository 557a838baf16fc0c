"""Ways of answering, their blending, and lengths."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.domain.ids import PersonaId
from services.persona.character import Character, Persona
from services.persona.prompts import PromptLibrary
from services.persona.style import (
    CASUAL,
    DETAILED,
    QUICK,
    STORY,
    Leaning,
    Occasion,
    Strength,
    answer_limit,
    blend,
    moment_text,
    occasion_of,
    style_text,
    usual_length,
)

PROMPTS = PromptLibrary(Path(__file__).parents[3] / "prompts")


def persona(*, frameworks: dict[str, float] | None = None, verbosity: int | None = None) -> Persona:
    return Persona(
        id=PersonaId("m"),
        slug="m",
        version="1",
        character=Character(name="Mira"),
        frameworks=frameworks or {},
        verbosity=verbosity,
    )


def test_heaviest_come_first_and_weights_become_strengths() -> None:
    weights = {"caring": 0.8, "assistant": 0.79, "chaotic": 0.49, "neuro": 0.1, "none": 0.0}
    assert blend(weights) == (
        Leaning("caring", Strength.HIGH),
        Leaning("assistant", Strength.MEDIUM),
        Leaning("chaotic", Strength.LOW),
    )
    assert blend({}) == ()


def test_occasion_moves_weights_but_brings_nothing_new() -> None:
    weights = {"caring": 0.6, "chaotic": 0.3}
    assert blend(weights, Occasion.EMOTIONAL_SUPPORT) == (Leaning("caring", Strength.HIGH),)
    assert blend({"caring": 0.6}, Occasion.PLAYFUL_CHAT) == (Leaning("caring", Strength.MEDIUM),)


@pytest.mark.parametrize("name", ["assistant", "caring", "chaotic", "neuro"])
def test_every_framework_says_something_else_at_each_strength(name: str) -> None:
    said = {style_text(persona(frameworks={name: w}), PROMPTS) for w in (0.9, 0.6, 0.2)}
    assert len(said) == 3
    assert all("{{char}}" in text for text in said)


def test_unknown_frameworks_and_paths_say_nothing() -> None:
    odd = {"unheard": 1.0, "../layout/new_chat": 1.0, "A B": 0.5}
    assert style_text(persona(frameworks=odd), PROMPTS) == ""


def test_length_is_said_in_words_and_leaves_room_to_finish() -> None:
    short = persona(verbosity=80)
    assert "about 60 words" in style_text(short, PROMPTS)
    assert answer_limit(short, most=512) == 120
    assert answer_limit(persona(verbosity=500), most=512) == 512
    assert answer_limit(persona(), most=512) == 512


def test_moment_names_zone_and_place() -> None:
    now = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
    assert moment_text(now, PROMPTS) == "It is Tuesday, 3 March 2026, 14:05."
    assert moment_text(now, PROMPTS, zone="UTC", place="in Kyiv") == (
        "It is Tuesday, 3 March 2026, 14:05 (UTC), in Kyiv."
    )


@pytest.mark.parametrize(
    ("text", "occasion", "length"),
    [
        ("hi there", None, QUICK),
        ("I felt so lonely at the party last night", Occasion.EMOTIONAL_SUPPORT, CASUAL),
        ("Can you explain how tides work?", Occasion.ANALYTICAL_TASK, DETAILED),
        ("Tell me a story about a fox", Occasion.CREATIVE_TASK, STORY),
        ("haha you would lose that bet for sure", Occasion.PLAYFUL_CHAT, CASUAL),
        ("I disagree, that film is great, believe me", Occasion.DEBATE, CASUAL),
        ("The history of the somehow wronged scarecrow", None, CASUAL),
    ],
)
def test_words_tell_the_occasion_and_the_length(
    text: str, occasion: Occasion | None, length: int
) -> None:
    assert occasion_of(text) is occasion
    assert usual_length(text) == length
