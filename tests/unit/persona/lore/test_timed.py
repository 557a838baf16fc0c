"""Sticky, cooldown and delay over the turns of a conversation."""

from __future__ import annotations

import random

import pytest

from services.persona.lore.books import edited
from services.persona.lore.effects import TimedEffects
from tests.fakes.lore import Told, activated, book, entry, skipped

WORD = "word"


def told(*entries, **settings):
    """A conversation that searches its newest message."""
    return Told([book(*entries)], {"scan_depth": 1, **settings})


def after(conversation, messages, last="nothing"):
    """Scan a chat of so many messages of which the last is this."""
    return activated(conversation.scan(*["filler"] * (messages - 1), last))


def test_sticky_three_cooldown_two_delay_two():
    conversation = told(entry(1, WORD, sticky=3, cooldown=2, delay=2))
    assert after(conversation, 1, WORD) == []
    assert after(conversation, 2, WORD) == [1]
    assert [after(conversation, n) for n in (3, 4)] == [[1], [1]]
    assert [after(conversation, n, WORD) for n in (5, 6)] == [[], []]
    assert after(conversation, 7, WORD) == [1]


def test_sticky_is_not_refreshed_by_new_matches():
    conversation = told(entry(1, WORD, sticky=2))
    assert [after(conversation, n, WORD) for n in (1, 2)] == [[1], [1]]
    assert after(conversation, 3) == []


def test_effects_are_dropped_when_the_chat_did_not_advance():
    conversation = told(entry(1, WORD, sticky=5), entry(2, WORD, cooldown=5))
    assert after(conversation, 3, WORD) == [1, 2]
    assert after(conversation, 3, "another version") == []
    assert after(conversation, 4, WORD) == [1, 2]
    assert after(conversation, 3, WORD) == [1, 2]


def test_a_cooldown_blocks_constants_too():
    conversation = told(entry(1, constant=True, cooldown=2))
    assert [after(conversation, n) for n in (1, 2, 3)] == [[1], [], [1]]


def test_the_cooldown_after_sticky_survives_a_chat_that_did_not_advance():
    conversation = told(entry(1, WORD, sticky=1, cooldown=3))
    after(conversation, 1, WORD)
    assert after(conversation, 2, WORD) == []
    assert after(conversation, 2, WORD) == []
    assert after(conversation, 4, WORD) == []
    assert after(conversation, 5, WORD) == [1]


def test_sticky_entries_come_first_and_skip_the_roll():
    conversation = told(
        entry(1, WORD, order=200), entry(2, "start", sticky=9, order=100, probability=50)
    )
    low = next(n for n in range(99) if random.Random(n).random() < 0.5)
    high = next(n for n in range(99) if random.Random(n).random() > 0.5)
    assert activated(conversation.scan("start", rng=random.Random(high))) == []
    assert activated(conversation.scan("start", rng=random.Random(low))) == [2]
    assert activated(conversation.scan("x", WORD, rng=random.Random(high))) == [2, 1]


def test_an_edit_ends_sticky_and_the_old_record_blocks_a_new_one():
    conversation = told(entry(1, WORD, sticky=4))
    after(conversation, 1, WORD)
    conversation.books = [edited(conversation.books[0], {"1": {"content": "edited"}})]
    assert after(conversation, 2) == []
    assert after(conversation, 3, WORD) == [1]
    assert after(conversation, 4) == []
    assert after(conversation, 5, WORD) == [1]
    assert after(conversation, 6) == [1]


def test_effects_of_books_that_are_away_come_back_with_them():
    conversation = told(entry(1, WORD, sticky=5))
    after(conversation, 1, WORD)
    books, conversation.books = conversation.books, []
    assert after(conversation, 2) == []
    conversation.books = books
    assert after(conversation, 3) == [1]


def test_effects_survive_storage():
    conversation = told(entry(1, WORD, sticky=5, cooldown=2))
    after(conversation, 1, WORD)
    stored = conversation.timed.as_json()
    assert set(stored["sticky"]) == {"book.1"}
    conversation.timed = TimedEffects.from_json(stored)
    assert after(conversation, 3) == [1]


@pytest.mark.parametrize("value", [None, [], "x", {"sticky": 3}, {"sticky": {"a": {"start": "x"}}}])
def test_a_broken_store_is_an_empty_one(value):
    assert TimedEffects.from_json(value) == TimedEffects()


def test_delay_and_cooldown_are_given_as_reasons():
    conversation = told(entry(1, WORD, delay=5), entry(2, WORD, cooldown=5))
    assert skipped(conversation.scan(WORD)) == {1: "delay"}
    assert skipped(conversation.scan("a", WORD)) == {1: "delay", 2: "cooldown"}
