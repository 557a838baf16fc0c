"""What a question says besides its meaning: words, periods, speakers; and the form of a turn."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.memory.recall.evidence import asks_of_self, closeness, form, speakers_named
from services.memory.recall.periods import Period, periods
from services.memory.recall.tuning import RecallTuning
from services.memory.recall.words import any_of, terms
from services.storage.sqlite import use_modern_sqlite

TUNING = RecallTuning()
NOW = datetime(2024, 3, 15, 18, 30, tzinfo=UTC)  # a Friday


def day(year, month, date, *, days=1, zone=UTC):
    start = datetime(year, month, date, tzinfo=zone)
    return Period(start, start + timedelta(days=days))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What happened on 14 August, 2023?", day(2023, 8, 14)),
        ("What happened on August 14th 2023?", day(2023, 8, 14)),
        ("the 3rd of June 2022", day(2022, 6, 3)),
        ("on Dec. 1,2023", day(2023, 12, 1)),
        ("on 2023-05-08", day(2023, 5, 8)),
        ("on 5 January", day(2024, 1, 5)),
        ("on 5 December", day(2023, 12, 5)),
        ("in May 2023", day(2023, 5, 1, days=31)),
        ("during September", day(2023, 9, 1, days=30)),
        ("in December 2023", day(2023, 12, 1, days=31)),
        ("in the summer of 2022", day(2022, 6, 1, days=92)),
        ("last winter", day(2023, 12, 1, days=91)),
        ("in 2022", day(2022, 1, 1, days=365)),
        ("What did I say yesterday?", day(2024, 3, 14)),
        ("and today?", day(2024, 3, 15)),
        ("What did we do last week?", Period(datetime(2024, 3, 1, tzinfo=UTC), NOW)),
        ("Who called last month?", Period(datetime(2024, 2, 13, tzinfo=UTC), NOW)),
        ("two days ago", day(2024, 3, 13)),
        ("an 3 weeks ago", day(2024, 2, 20, days=7)),
        ("on Monday", day(2024, 3, 11)),
        ("last Friday", day(2024, 3, 8)),
    ],
)
def test_periods_are_understood(question, expected):
    assert periods(question, NOW) == (expected,)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "You may march on",
        "May I ask something?",
        "on 31 February 2023",
        "on 45 May",
        "at 9999-99-99",
        "999 years ago and 999 years ago",
        "room 101",
        "Who won 1 of 2?",
    ],
)
def test_what_is_no_period_is_none(question):
    assert all(period.start < period.end for period in periods(question, NOW))
    assert question.startswith(("999", "on 45")) or periods(question, NOW) == ()


def test_several_periods_are_kept_in_their_order_and_bounded():
    question = "Between May 2023 and 3 June 2023, or in 2021, 2020, 2019 and 2018?"
    found = periods(question, NOW)
    assert found[:2] == (day(2023, 5, 1, days=31), day(2023, 6, 3))
    assert len(found) == 4


def test_days_begin_at_midnight_of_who_asks():
    east = timezone(timedelta(hours=9))
    assert periods("yesterday", NOW.astimezone(east)) == (day(2024, 3, 15, zone=east),)


@given(st.text(max_size=300))
def test_any_text_has_periods_or_none(text):
    assert all(period.start < period.end for period in periods(text, NOW))


def test_nearness_in_time_halves_with_the_distance_and_ignores_whole_years():
    moments = [day(2023, 5, 8), day(2023, 5, 14), day(2023, 5, 19), day(2020, 1, 1)]
    said = np.array([moment.start.timestamp() for moment in moments])
    near = closeness(said, periods("on 8 May 2023", NOW), TUNING)
    assert near == pytest.approx([1, 0.5, 0.25, 0], abs=1e-6)
    assert not closeness(said, periods("in 2023", NOW), TUNING).any()


def test_words_are_stripped_of_syntax_stop_words_and_doubles():
    found = terms('Where did "Kim" go NEAR* the O\'Hara_house? kim GONE')
    assert [term.word for term in found] == ["kim", "go", "near", "o", "hara", "house"]
    assert any_of(found[:2]) == '"kim" OR "go" OR "goes" OR "going" OR "gone" OR "went"'


@given(st.text(max_size=200))
def test_no_text_makes_fts5_fail(text):
    connection = use_modern_sqlite().connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE found USING fts5(words)")
    for term in terms(text):
        try:
            connection.execute("SELECT * FROM found WHERE found MATCH ?", (term.match,)).fetchall()
        except sqlite3.OperationalError as error:  # pragma: no cover
            pytest.fail(f"{term.match!r}: {error}")
    connection.close()


def test_a_long_text_is_looked_up_by_its_first_words_only():
    assert len(terms(" ".join(f"w{number}" for number in range(10_000)))) == 64


def test_a_speaker_is_named_by_part_of_the_name_but_not_by_a_stop_word():
    speakers = {"Ann Lee", "Bob", "The Who", "ann's sister"}
    assert speakers_named("What did ANN's brother say?", speakers) == {"Ann Lee", "ann's sister"}
    assert speakers_named("Who is the one they saw?", speakers) == frozenset()


@pytest.mark.parametrize(
    ("question", "expected"), [("What did I eat?", True), ("my dog", True), ("If it rains", False)]
)
def test_who_asks_of_themselves(question, expected):
    assert asks_of_self(question) is expected


def test_a_long_statement_with_a_time_beats_a_short_question():
    told = "Yesterday I finally finished painting the fence, it took me all of three weekends."
    assert form(told, TUNING) > form("I finished the fence", TUNING) > form("Fence?", TUNING)
    assert form("x" * 10**6, TUNING) == form("x" * 10**4, TUNING)
