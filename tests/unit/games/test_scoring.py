"""What answers count, whatever the speed and the streak."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.games.questions import Difficulty
from services.games.scoring import WORTH, points

LEVELS = st.sampled_from(list(Difficulty))
SECONDS = st.floats(-10, 500, allow_nan=False)
ALLOWED = st.integers(5, 120)
STREAKS = st.integers(-5, 10_000)


def test_what_is_documented_is_what_counts():
    assert points(Difficulty.EASY, seconds=0, allowed=20, streak=0) == 100
    assert points(Difficulty.EASY, seconds=20, allowed=20, streak=0) == 50
    assert points(Difficulty.MEDIUM, seconds=10, allowed=20, streak=0) == 150
    assert points(Difficulty.HARD, seconds=0, allowed=20, streak=5) == 450


@given(level=LEVELS, seconds=SECONDS, allowed=ALLOWED, streak=STREAKS)
def test_points_stay_between_half_and_one_and_a_half_of_the_worth(level, seconds, allowed, streak):
    earned = points(level, seconds=seconds, allowed=allowed, streak=streak)
    assert WORTH[level] / 2 <= earned <= WORTH[level] * 1.5


@given(level=LEVELS, one=SECONDS, other=SECONDS, allowed=ALLOWED, streak=STREAKS)
def test_the_faster_never_gets_less(level, one, other, allowed, streak):
    early, late = sorted((one, other))
    assert points(level, seconds=early, allowed=allowed, streak=streak) >= points(
        level, seconds=late, allowed=allowed, streak=streak
    )


@given(level=LEVELS, seconds=SECONDS, allowed=ALLOWED, streak=st.integers(0, 100))
def test_a_longer_streak_never_counts_less(level, seconds, allowed, streak):
    assert points(level, seconds=seconds, allowed=allowed, streak=streak + 1) >= points(
        level, seconds=seconds, allowed=allowed, streak=streak
    )
