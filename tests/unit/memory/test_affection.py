"""How fond a character grows, and how slowly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.domain.ids import ConversationId, PersonaId, PersonId
from services.memory.learning.affection import Affection, Affections, Stage, stage, warmth
from tests.unit.storage.samples import database_in

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HERE = ConversationId("console", "local", "chat")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (0, "stranger"),
        (19, "stranger"),
        (20, "acquaintance"),
        (39, "acquaintance"),
        (40, "friend"),
        (60, "close friend"),
        (79, "close friend"),
        (80, "best friend"),
        (100, "best friend"),
    ],
)
def test_stages_begin_at_their_values(value, name):
    assert stage(value) is Stage(name)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Thank you so much!", 1),
        ("You're the best", 1),
        ("I hate you", -1),
        ("shut up", -1),
        ("What time is it?", 0),
        ("You're not stupid", 0),
        ('He said "I hate you"', 0),
        ("thanks, you idiot", 0),
        ("> you are useless\nreally?", 0),
        ("How are you?", 1),
    ],
)
def test_words_are_kind_or_not(said, expected):
    assert warmth(said) == expected


def test_a_conversation_changes_it_by_five_at_most_and_a_message_by_one():
    affection = Affection(value=50)
    for minute in range(30):
        affection = affection.adjusted(99, conversation="a", at=START + timedelta(minutes=minute))
        assert affection.value <= 51 + minute
    assert affection.value == 55
    for minute in range(30, 60):
        affection = affection.adjusted(-9, conversation="a", at=START + timedelta(minutes=minute))
    assert affection.value == 45


def test_after_a_rest_or_elsewhere_another_conversation_begins():
    affection = Affection(value=50)
    for _ in range(9):
        affection = affection.adjusted(1, conversation="a", at=START)
    later = affection.adjusted(1, conversation="a", at=START + timedelta(hours=3))
    assert (affection.value, later.value) == (55, 56)
    assert affection.adjusted(1, conversation="b", at=START).value == 56


def test_it_stays_between_0_and_100_and_a_clock_going_back_opens_nothing():
    assert Affection(value=100).adjusted(1, conversation="a", at=START).value == 100
    assert Affection(value=0).adjusted(-1, conversation="a", at=START).value == 0
    affection = Affection(value=50)
    for hour in range(12):
        affection = affection.adjusted(1, conversation="a", at=START - timedelta(hours=hour * 5))
    assert affection.value == 55
    assert affection.updated_at == START


async def test_regular_talk_warms_once_a_day_and_what_is_stored_comes_back(tmp_path, clock):
    book, anna, mira = Affections(), PersonId("anna"), PersonaId("mira")
    async with database_in(tmp_path, clock) as database:
        for hour in range(0, 24 * 4, 6):
            async with database.transaction() as tx:
                found = await tx.run(
                    book.talked,
                    anna,
                    mira,
                    "What's up",
                    conversation=HERE,
                    at=START + timedelta(hours=hour),
                )
        assert found.value == 5
        async with database.reader() as snapshot:
            assert await snapshot.run(book.get, anna, mira) == found
            assert (await snapshot.run(book.get, PersonId("bob"), mira)).value == 0
