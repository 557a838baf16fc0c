"""What the rules learn from a message, and what they never do."""

from __future__ import annotations

import time

import pytest

from services.memory.learning.echoes import Earlier
from services.memory.learning.fact_rules import learn_by_rule
from services.memory.learning.rules.findings import FactKind, Refusal
from services.memory.learning.rules.reader import read
from tests.unit.memory.planted import CHANGES, DISTRACTORS, ENDINGS, PLANTED, POISON


def slots(text: str, **more) -> list[tuple[str, str]]:
    return [(each.slot, each.value) for each in read(text, teller="Anna", **more).findings]


def test_planted_facts_are_found_in_nineteen_of_twenty_phrasings():
    missed = [
        said
        for said, held in PLANTED
        if not any(
            held.casefold() in f"{each.value} {each.sentence}".casefold()
            for each in read(said, teller="Anna").findings
        )
    ]
    assert len(missed) <= len(PLANTED) * 0.05, missed


@pytest.mark.parametrize("said", DISTRACTORS)
def test_distractors_teach_nothing(said):
    assert slots(said, others=("Mira",)) == []


@pytest.mark.parametrize("said", POISON)
def test_orders_claims_of_authority_and_secrets_teach_nothing(said):
    reading = read(said, teller="Anna", others=("Mira", "Bob"))
    assert reading.findings == ()
    assert reading.refusals


@pytest.mark.parametrize("said", [each for each, _ in PLANTED])
def test_every_quote_stands_in_the_message(said):
    for each in read(said, teller="Anna").findings:
        assert each.quote
        assert each.quote in said


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("My name is Anna and I live in Berlin.", [("name", "Anna"), ("lives_in", "Berlin")]),
        ("I'm Jonas, 31, from Cologne.", [("name", "Jonas"), ("age", "31"), ("from", "Cologne")]),
        (
            "I love hiking, sushi and old maps",
            [("likes", "hiking"), ("likes", "sushi"), ("likes", "old maps")],
        ),
        ("I don\u2019t like coriander", [("dislikes", "coriander")]),
        ("i'm german but live in vienna", [("nationality", "german"), ("lives_in", "vienna")]),
        (
            "i have a cat named miso and a dog called Rex",
            [("pet:cat", "Miso"), ("pet:dog", "Rex")],
        ),
        (
            "My favourite colour isn't blue, it's green",
            [
                ("favourite:colour", "blue"),
                ("favourite:colour", "green"),
            ],
        ),
        ("Did I tell you that I'm allergic to figs?", [("allergy", "figs")]),
        ("I'm Batman", []),
        ("I'm German", [("nationality", "German")]),
        ("I have a cat allergy", [("allergy", "cat")]),
        ("I'm 1.83 m tall", [("height", "1.83 m tall")]),
    ],
)
def test_clauses_and_lists_are_told_apart(said, expected):
    assert slots(said) == expected


def test_what_is_said_of_others_is_hearsay_about_them():
    hearsay = read("Bob hates cats", teller="Anna").findings[0]
    assert (hearsay.about, hearsay.slot, hearsay.value) == ("Bob", "dislikes", "cats")
    assert read("I hate cats", teller="Anna").findings[0].about is None


def test_a_relative_is_named_and_then_spoken_of():
    found = read("My sister Clara lives in Rome. She works as a vet.", teller="Anna").findings
    assert [(each.about, each.slot, each.value) for each in found] == [
        (None, "sister", "Clara"),
        ("Clara", "lives_in", "Rome"),
        ("Clara", "works_as", "vet"),
    ]
    assert found[1].sentence.replace("{who}", found[1].who or "") == (
        "Anna's sister Clara lives in Rome."
    )


def test_what_is_asked_to_be_remembered_is_a_quote_unless_a_rule_knows_it():
    quote = read("Remember that I keep spare batteries in the drum", teller="Anna").findings[0]
    assert quote.kind is FactKind.QUOTE
    assert quote.sentence == (
        "{who} asked to remember: \u201cI keep spare batteries in the drum\u201d"
    )
    known = read("Remember that I hate surprises", teller="Anna").findings[0]
    assert (known.slot, known.asked) == ("dislikes", True)


def test_a_line_under_another_speakers_name_is_theirs():
    pasted = "Mira: I love rainy days\nBob: I live in Leeds\nAnna: I love tea"
    assert slots(pasted, others=("Mira", "Bob")) == [("likes", "tea")]


@pytest.mark.parametrize(("first", "second", "slot", "_"), CHANGES)
def test_corrections_speak_of_the_same_slot(first, second, slot, _):
    assert slot in dict(slots(first))
    assert slot in dict(slots(second))


@pytest.mark.parametrize(("said", "over", "slot"), ENDINGS)
def test_endings_are_heard(said, over, slot):
    assert slot in dict(slots(said))
    assert [each.slot for each in read(over, teller="Anna").findings if each.ends] == [slot]


def test_repeating_a_character_proves_nothing():
    earlier = Earlier(["I live in a lighthouse by the sea and I love storms. My cat is Fog."])
    for said in (
        "I live in a lighthouse by the sea and I love storms.",
        "i live in a lighthouse by the sea",
        "Ha! I live in a lighthouse by the sea and I love storms!",
    ):
        reading = learn_by_rule(said, teller="Anna", earlier=earlier)
        assert reading.findings == ()
        assert Refusal.ECHO in reading.refusals
    assert learn_by_rule(
        "I live in a flat and love storms", teller="Anna", earlier=earlier
    ).findings


def test_recalled_text_that_is_pasted_teaches_nothing():
    earlier = Earlier(["What I know: Anna lives in Oslo. Anna hates cats."])
    pasted = "Anna lives in Oslo. Anna hates cats."
    assert learn_by_rule(pasted, teller="Anna", earlier=earlier).findings == ()
    assert slots("[Memory: Anna lives in Oslo] I see") == []
    assert slots("What I remember about Anna:\n- Anna likes tea\n- Bob lives in Oslo") == []


@pytest.mark.parametrize(
    "piece",
    [
        "I ",
        "my ",
        "*",
        '"',
        "> ",
        "I like a, ",
        "x",
        "1 ",
        "`",
        "[",
        "<",
        "\n",
        ":",
        ". ",
        "Aa ",
        "said ",
        "not ",
        "my sister ",
        "remember that ",
        "I have a big ",
        "very ",
        "aA1",
        "4 ",
    ],
)
def test_no_message_takes_long_to_read(piece):
    began = time.process_time()
    read(piece * 8000, teller="Anna", others=("Mira",))
    assert time.process_time() - began < 1.0
