"""Frames come out in order, once each, and what is missing is counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontends.discord.voice.jitter import HOLD_SECONDS, MOST_HELD, Arrived, Jitter, Next

pytestmark = pytest.mark.property

FOREVER = 1e9


def arrived(sequence: int, at: float = 0.0) -> Arrived:
    return Arrived(sequence % 65_536, sequence * 960 % 2**32, sequence.to_bytes(8), at)


def numbers(found: list[Next]) -> list[int]:
    return [int.from_bytes(each.arrived.frame) for each in found]


@given(first=st.integers(0, 65_535), count=st.integers(1, 300))
def test_what_comes_in_order_goes_through_at_once(first, count):
    jitter = Jitter()
    for number in range(first, first + count):
        (found,) = jitter.push(arrived(number))
        assert (numbers([found]), found.missing) == ([number], 0)
    assert jitter.due is None


@given(data=st.data(), first=st.integers(0, 65_535), count=st.integers(2, 60))
def test_order_is_restored_nothing_is_heard_twice_and_gaps_are_counted(data, first, count):
    others = range(first + 1, first + count)
    kept = data.draw(st.lists(st.sampled_from(others), unique=True) if count > 2 else st.just([]))
    shifts = data.draw(st.lists(st.integers(0, 6), min_size=len(kept), max_size=len(kept)))
    order = [
        number
        for _, number in sorted(zip(map(sum, zip(kept, shifts, strict=True)), kept, strict=True))
    ]
    repeated = data.draw(st.lists(st.sampled_from(order), max_size=5) if order else st.just([]))
    jitter = Jitter()
    found = jitter.push(arrived(first))
    for number in [*order, *repeated]:
        found += jitter.push(arrived(number))
    found += jitter.release(FOREVER)
    heard = numbers(found)
    assert heard == sorted(set(heard))
    assert len(heard) + jitter.late + jitter.repeated == 1 + len(order) + len(repeated)
    missing = sum(each.missing for each in found)
    assert missing == heard[-1] - heard[0] + 1 - len(heard)


@given(sequences=st.lists(st.integers(0, 65_535), max_size=80))
def test_no_sequence_of_numbers_makes_it_fail_or_grow(sequences):
    jitter = Jitter()
    came = 0
    for moment, number in enumerate(sequences):
        came += len(jitter.push(arrived(number, float(moment))))
        assert len(jitter._held) <= MOST_HELD
    came += len(jitter.release(FOREVER))
    assert came + jitter.late + jitter.repeated == len(sequences)


def test_what_is_missing_is_waited_for_60_ms_and_no_longer():
    jitter = Jitter()
    jitter.push(arrived(1))
    assert jitter.push(arrived(3, at=10.0)) == []
    assert jitter.push(arrived(4, at=10.02)) == []
    assert jitter.due == pytest.approx(10.0 + HOLD_SECONDS)
    assert jitter.release(10.0 + HOLD_SECONDS - 0.001) == []
    found = jitter.release(10.0 + HOLD_SECONDS)
    assert [(numbers([each]), each.missing) for each in found] == [([3], 1), ([4], 0)]
    assert jitter.due is None


def test_what_comes_after_its_place_was_given_up_is_late():
    jitter = Jitter()
    for number in (1, 3):
        jitter.push(arrived(number))
    jitter.release(FOREVER)
    assert not jitter.wants(2)
    assert jitter.push(arrived(2)) == []
    assert jitter.late == 2
    assert numbers(jitter.push(arrived(4))) == [4]


@pytest.mark.parametrize("jump", [20_000, 40_000, 101])
def test_a_sender_that_begins_anew_is_followed_and_nothing_is_guessed(jump):
    jitter = Jitter()
    jitter.push(arrived(0))
    jitter.push(arrived(2))
    found = jitter.push(arrived(2 + jump))
    assert [(numbers([each]), each.missing) for each in found] == [([2], 1), ([2 + jump], 0)]
    assert numbers(jitter.push(arrived(3 + jump))) == [3 + jump]
