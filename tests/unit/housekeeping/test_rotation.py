"""Which backups stay: by day and week, through gaps, clock changes and clocks that lie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.housekeeping.rotation import outdated

NOW = datetime(2026, 5, 31, 2, 0, tzinfo=UTC)  # a Sunday, four in the morning in Berlin
BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def named(*moments: datetime) -> dict[Path, datetime]:
    return {Path(f"acore-{at.astimezone(UTC):%Y%m%d-%H%M%S}.tar"): at for at in moments}


def kept(
    moments: list[datetime],
    *,
    now: datetime = NOW,
    daily: int = 7,
    weekly: int = 4,
    zone: ZoneInfo = BERLIN,
) -> list[datetime]:
    backups = named(*moments)
    gone = outdated(backups, now=now, daily=daily, weekly=weekly, zone=zone)
    return sorted((backups[path] for path in backups.keys() - set(gone)), reverse=True)


def nights(count: int, *, last: datetime = NOW) -> list[datetime]:
    return [last - n * DAY for n in range(count)]


def ages(moments: list[datetime], *, now: datetime = NOW) -> list[int]:
    return [(now - at).days for at in moments]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, [0]),
        (7, [0, 1, 2, 3, 4, 5, 6]),
        # The eighth day is the Sunday before: a week of its own.
        (8, [0, 1, 2, 3, 4, 5, 6, 7]),
        (14, [0, 1, 2, 3, 4, 5, 6, 7]),
        (15, [0, 1, 2, 3, 4, 5, 6, 7, 14]),
        (60, [0, 1, 2, 3, 4, 5, 6, 7, 14, 21, 28]),
    ],
)
def test_seven_days_and_four_weeks_stay(count: int, expected: list[int]) -> None:
    assert ages(kept(nights(count))) == expected


def test_run_night_after_night_the_weekly_ones_grow_old_in_their_place() -> None:
    there: list[datetime] = []
    for night in reversed(nights(100)):
        there = kept([*there, night], now=night)
        assert len(there) <= 11
        assert max(ages(there, now=night)) <= 30
    assert ages(there) == [0, 1, 2, 3, 4, 5, 6, 7, 14, 21, 28]


def test_days_without_a_backup_take_nobodys_place() -> None:
    moments = [NOW - n * DAY for n in (0, 3, 6, 9, 12, 15, 18)]
    assert kept(moments) == moments


def test_of_several_on_one_day_the_last_stays() -> None:
    day = [NOW + timedelta(hours=n) for n in range(5)]
    assert kept(day, now=day[-1]) == [day[-1]]


def test_the_newest_stays_even_if_it_is_old() -> None:
    ancient = NOW - 400 * DAY
    assert kept([ancient, ancient - DAY]) == [ancient]
    assert kept([ancient], daily=0, weekly=0) == [ancient]


def test_nothing_grows_older_than_thirty_days_beside_it() -> None:
    assert ages(kept([NOW - n * DAY for n in (0, 10, 29, 31, 35)], daily=9)) == [0, 10, 29]


@pytest.mark.parametrize(
    ("daily", "weekly", "expected"),
    [
        (1, 0, [0]),
        (3, 0, [0, 1, 2]),
        (0, 2, [0, 7]),
        (1, 1, [0, 1]),
    ],
)
def test_the_counts_are_settings(daily: int, weekly: int, expected: list[int]) -> None:
    assert ages(kept(nights(20), daily=daily, weekly=weekly)) == expected


@pytest.mark.parametrize(
    "change",
    [
        datetime(2026, 3, 29, 2, 0, tzinfo=UTC),  # the day of 23 hours
        datetime(2026, 10, 25, 3, 0, tzinfo=UTC),  # the day of 25 hours
    ],
)
def test_days_are_local_across_a_clock_change(change: datetime) -> None:
    local_fours = [
        (change.astimezone(BERLIN).replace(hour=4, minute=0) - n * DAY).astimezone(UTC)
        for n in range(-2, 3)
    ]
    assert len({at.astimezone(BERLIN).date() for at in local_fours}) == 5
    assert kept(local_fours, now=local_fours[0]) == local_fours


def test_both_times_of_the_hour_that_comes_twice_are_one_day() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert first.astimezone(BERLIN).hour == second.astimezone(BERLIN).hour == 2
    assert kept([first, second], now=second) == [second]


def test_a_clock_that_went_back_deletes_nothing_and_counts_nothing_from_the_future() -> None:
    future = [NOW + n * DAY for n in range(300, 310)]
    past = nights(7)
    assert set(kept([*future, *past])) == {*future, *past}
    assert kept(future) == sorted(future, reverse=True)


@given(
    hours=st.lists(st.integers(-24 * 90, 24 * 90), max_size=60, unique=True),
    daily=st.integers(0, 10),
    weekly=st.integers(0, 4),
)
def test_whatever_lies_there_the_newest_stays_and_twice_changes_nothing(
    hours: list[int], daily: int, weekly: int
) -> None:
    backups = named(*(NOW + timedelta(hours=n) for n in hours))
    gone = outdated(backups, now=NOW, daily=daily, weekly=weekly, zone=BERLIN)
    left = {path: at for path, at in backups.items() if path not in gone}
    believable = [at for at in backups.values() if at <= NOW + DAY]
    if believable:
        assert max(believable) in left.values()
    assert {path for path, at in backups.items() if at > NOW + DAY} <= left.keys()
    assert outdated(left, now=NOW, daily=daily, weekly=weekly, zone=BERLIN) == []
