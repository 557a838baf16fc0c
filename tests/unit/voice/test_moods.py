"""The mood an answer shows so far."""

from __future__ import annotations

import pytest

from services.persona.mood import MoodKind
from services.voice.engines.prosody import prosody_of
from services.voice.speaking import moods
from services.voice.speaking.moods import mood_of
from services.voice.synthesis import Voice


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("Hello there.", None),
        ("", None),
        ("Hello, my", None),
        ("Hello!", "happy"),
        ("How are you? ", "curious"),
        ("Are you sure?!", "surprised"),
        ("We won!!", "excited"),
        ('"Was it you?" ', "curious"),
        ("**Stop!**", "happy"),
        ("本当？", "curious"),
        ("First! Then it was quiet.", None),
        ("*sighs* I do not", "tired"),
        ("*sighs* Very well! *grins* All right.", "happy"),
        ("*seufzt* Na gut.", "tired"),
        ("*laughs nervously* Well,", "afraid"),
        ("*she sobs", "sad"),
        ("*walks to the window* It rains.", None),
        ("I miss you 😢", "sad"),
        ("😢 *grins* Not at all.", "happy"),
        ("*grins* Oh 😢 no.", "sad"),
    ],
)
def test_what_shows(text: str, mood: str | None):
    assert mood_of(text) == mood


@pytest.mark.parametrize(
    "text",
    [
        "*a huge yellow wonderful house*",
        "*it happens at an angle*",
        "*grinds her coffee, soberly*",
        "*saddles the horse*",
        "*schreibt etwas auf und trinkt Wein*",
        "The sad man sighs.",
        "2 * 3 * 4 = sigh",
    ],
)
def test_words_that_only_begin_alike_or_are_not_acted_show_nothing(text: str):
    assert mood_of(text) is None


def test_every_mood_that_can_show_or_that_a_persona_has_changes_the_sound():
    shown = {*moods._ACTED, *moods._SHOWN, *moods._MARK.values(), *moods._MARKED.values()}
    persona = {kind.value for kind in MoodKind} - {"neutral"}
    plain = prosody_of(Voice())
    for mood in shown | persona:
        assert prosody_of(Voice(mood=mood)) != plain, mood
