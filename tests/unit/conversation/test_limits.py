"""Sliding windows, reservations and cooldowns."""

from __future__ import annotations

import pytest

from services.conversation.limits import BoundedMap, Cooldowns, Limits
from tests.fakes.clock import ManualClock


def limits(clock: ManualClock, capacity: int = 20_000) -> Limits:
    return Limits(clock, window_seconds=60, capacity=capacity)


def test_a_reservation_counts_before_anything_is_sent() -> None:
    books = limits(ManualClock())
    books.reserve("ann")
    assert books.check("ann", 2) is None
    books.reserve("ann")
    assert books.check("ann", 2) == 60
    assert books.check("bob", 2) is None


def test_a_released_reservation_costs_nothing() -> None:
    books = limits(ManualClock())
    held = books.reserve("ann", "room")
    held.release()
    assert books.check("ann", 1) is None
    assert books.check("room", 1) is None


def test_a_confirmed_one_counts_for_a_window_from_its_delivery() -> None:
    clock = ManualClock()
    books = limits(clock)
    held = books.reserve("ann")
    clock.advance(300)
    assert books.check("ann", 1) == 60
    held.confirm()
    clock.advance(59)
    assert books.check("ann", 1) == pytest.approx(1)
    clock.advance(1)
    assert books.check("ann", 1) is None


def test_retry_after_names_the_moment_when_one_more_fits() -> None:
    clock = ManualClock()
    books = limits(clock)
    for _ in range(3):
        books.reserve("ann").confirm()
        clock.advance(10)
    assert books.check("ann", 3) == pytest.approx(30)
    assert books.check("ann", 2) == pytest.approx(40)
    clock.advance(30)
    assert books.check("ann", 3) is None


def test_only_the_first_of_confirm_and_release_counts() -> None:
    books = limits(ManualClock())
    held = books.reserve("ann")
    held.confirm()
    held.release()
    held.confirm()
    assert books.check("ann", 1) == 60
    assert books.check("ann", 2) is None
    other = books.reserve("bob")
    other.release()
    other.confirm()
    assert books.check("bob", 1) is None


def test_a_reservation_left_behind_by_an_error_is_released() -> None:
    books = limits(ManualClock())
    with pytest.raises(KeyError), books.reserve("ann"):
        raise KeyError
    assert books.check("ann", 1) is None
    with books.reserve("ann") as held:
        held.confirm()
    assert books.check("ann", 1) == 60


def test_a_flood_of_keys_is_bounded_and_forgets_the_longest_unused() -> None:
    books = limits(ManualClock(), capacity=100)
    first = books.reserve("ann")
    for number in range(99):
        books.reserve(number)
    assert books.check("ann", 1) is not None
    for number in range(200, 299):
        books.reserve(number)
    assert len(books) == 100
    assert books.check("ann", 1) is not None
    books.reserve("one more")
    for number in range(300, 400):
        books.reserve(number)
    assert books.check("ann", 1) is None
    first.confirm()
    assert books.check("ann", 1) is None


def test_asking_alone_remembers_no_key() -> None:
    books = limits(ManualClock())
    assert books.check("ann", 0) == 60
    assert books.check("ann", 1) is None
    assert len(books) == 0


def test_a_refusal_is_explained_once_per_window() -> None:
    clock = ManualClock()
    books = limits(clock)
    assert [books.first_refusal("ann"), books.first_refusal("ann")] == [True, False]
    assert books.first_refusal("bob")
    clock.advance(60)
    assert books.first_refusal("ann")


def test_a_cooldown_ends_and_can_be_taken_back() -> None:
    clock = ManualClock()
    pauses = Cooldowns(clock)
    assert pauses.remaining("room", 30) is None
    pauses.start("room")
    clock.advance(10)
    assert pauses.remaining("room", 30) == pytest.approx(20)
    undo = pauses.start("room")
    assert pauses.remaining("room", 30) == pytest.approx(30)
    undo()
    assert pauses.remaining("room", 30) == pytest.approx(20)
    undo()
    clock.advance(20)
    assert pauses.remaining("room", 30) is None


def test_taking_back_an_old_cooldown_leaves_the_new_one() -> None:
    clock = ManualClock()
    pauses = Cooldowns(clock)
    undo = pauses.start("room")
    clock.advance(1)
    pauses.start("room")
    undo()
    assert pauses.remaining("room", 30) == pytest.approx(30)


def test_use_keeps_an_entry_and_looking_does_not() -> None:
    entries: BoundedMap[str, int] = BoundedMap(2)
    entries.put("a", 1)
    entries.put("b", 2)
    assert entries.get("a") == 1
    assert "b" in entries
    entries.put("c", 3)
    assert ("a" in entries, "b" in entries) == (True, False)
