"""Texts as engines are given them."""

from __future__ import annotations

import pytest

from services.voice.spoken_text import Lexicon, spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It is 20°C outside.", "It is 20 degrees Celsius outside."),
        ("Drive 5 km, then 1 km more.", "Drive 5 kilometres, then 1 kilometre more."),
        ("At 100km/h it takes 2.5h.", "At 100 kilometres per hour it takes 2.5 hours."),
        ("50% of 16 GB", "50 percent of 16 gigabytes"),
        ("It costs $5, not €1.", "It costs 5 dollars, not 1 euro."),
        ("That is £3.50 each.", "That is 3 pounds 50 each."),
        ("Wait 3-5 minutes.", "Wait 3 to 5 minutes."),
        ("2 + 2 = 4", "2 plus 2 equals 4"),
        ("Salt & pepper", "Salt and pepper"),
        ("Call user_name or getUserName.", "Call user name or get User Name."),
        ("Look at /etc/ssh/sshd_config there.", "Look at sshd config there."),
        ("| Name | Age |\n|---|---|\n| Bob | 5 |", "Name, Age. Bob, 5."),
        ("Look: ```print(1)``` so", "Look: so"),
        ("!!! ...", ""),
    ],
)
def test_what_is_written_short_is_said_in_words(written: str, said: str):
    assert spoken(written) == said


@pytest.mark.parametrize(
    "text",
    [
        "I am 5 minutes late, and I mean it.",
        "Call 555-1234-77 now.",
        "On 2026-11-21 at 3:30.",
        "Version 1.2-3 of it.",
        "A well-known half-time show",
        "Route 66 m-way",
        "The A4 and/or the B5.",
    ],
)
def test_what_only_looks_like_a_unit_is_left_alone(text: str):
    assert spoken(text) == text


def test_german_units_and_others_as_they_are():
    assert spoken("5 kg für 3 €", language="de-DE") == "5 Kilogramm für 3 Euro"
    assert spoken("5 kg pour 3 €", language="fr") == "5 kg pour 3 €"


def test_the_lexicon_says_whole_words_in_any_spelling():
    lexicon = Lexicon({"acore": "ay core", "SQL": "sequel", "live wire": "lyve wire"})
    assert spoken("Acore and ACORE, not acores.", lexicon=lexicon) == (
        "ay core and ay core, not acores."
    )
    assert spoken("SQL but sql; a Live Wire", lexicon=lexicon) == "sequel but sql; a lyve wire"


def test_an_empty_lexicon_changes_nothing():
    assert spoken("Hello.", lexicon=Lexicon({" ": "x"})) == "Hello."


def test_long_hostile_texts_take_no_time():
    for text in ("|" * 20000, "-" * 20000, "/a" * 10000, "a_" * 10000, "1," * 10000, "aB" * 10000):
        spoken(text)
