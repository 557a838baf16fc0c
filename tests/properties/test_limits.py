"""The books of the limits agree with a plain list of what happened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.conversation.limits import Limits, Reservation
from tests.fakes.clock import ManualClock

pytestmark = pytest.mark.property

WINDOW = 60
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.sampled_from("ab")),
        st.tuples(st.sampled_from(["confirm", "release"]), st.integers(0, 20)),
        st.tuples(st.just("advance"), st.integers(0, 50)),
    ),
    max_size=40,
)


@given(STEPS, st.integers(1, 4))
def test_never_more_than_the_limit_and_retry_after_is_exact(
    steps: list[tuple[str, object]], limit: int
) -> None:
    clock = ManualClock()
    books = Limits(clock, window_seconds=WINDOW)
    held: list[tuple[str, Reservation]] = []
    confirmed: list[tuple[str, float]] = []
    for action, what in steps:
        if action == "advance":
            clock.advance(float(str(what)))
        elif action == "reserve":
            key = str(what)
            if books.check(key, limit) is None:
                held.append((key, books.reserve(key)))
        elif held:
            key, reservation = held.pop(int(str(what)) % len(held))
            if action == "confirm":
                reservation.confirm()
                confirmed.append((key, clock.monotonic()))
            else:
                reservation.release()
        for key in "ab":
            recent = [at for who, at in confirmed if who == key and at + WINDOW > clock.monotonic()]
            pending = sum(who == key for who, _ in held)
            assert len(recent) + pending <= limit
            wait = books.check(key, limit)
            assert (wait is None) == (len(recent) + pending < limit)
            if wait is not None and pending == 0:
                assert wait == recent[0] + WINDOW - clock.monotonic()
