"""When a night's work is due, and which clock is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.housekeeping.schedule import (
    Diary,
    is_due,
    keep_diary,
    last_due,
    next_entry,
    opened,
    read_diary,
)

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
NIGHT = datetime(2026, 5, 20, 2, 0, tzinfo=UTC)  # 04:00 in Berlin


def local(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=BERLIN)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("now", "hour", "expected"),
    [
        (local(2026, 5, 20, 4, 0), 4, local(2026, 5, 20, 4, 0)),
        (local(2026, 5, 20, 3, 59), 4, local(2026, 5, 19, 4, 0)),
        (local(2026, 5, 20, 23, 59), 4, local(2026, 5, 20, 4, 0)),
        (local(2026, 5, 20, 0, 0), 0, local(2026, 5, 20, 0, 0)),
        # 02:00 does not exist on this day; it counts when it would have been.
        (local(2026, 3, 29, 5, 0), 2, datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        # 02:00 comes twice on this day; the first counts.
        (local(2026, 10, 25, 5, 0), 2, datetime(2026, 10, 25, 0, 0, tzinfo=UTC)),
        (local(2026, 10, 26, 1, 0), 2, datetime(2026, 10, 25, 0, 0, tzinfo=UTC)),
    ],
)
def test_the_last_time_it_was_that_hour(now: datetime, hour: int, expected: datetime) -> None:
    assert last_due(now, hour, BERLIN) == expected


@pytest.mark.parametrize("hour", range(24))
def test_every_day_of_a_year_is_done_once_at_every_hour(hour: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    diary = opened(None, now)
    done = []
    while now < datetime(2027, 1, 1, tzinfo=UTC):
        if is_due(diary, now, hour, BERLIN):
            diary = next_entry(diary, now)
            done.append(now.astimezone(BERLIN).date())
            assert diary.as_of == now
        now += timedelta(minutes=30)
    assert len(done) == len(set(done))
    assert len(done) >= 364
    assert all(later - earlier == DAY for earlier, later in pairwise(done))


def test_a_fresh_installation_waits_for_the_night() -> None:
    diary = opened(None, NIGHT + timedelta(hours=10))
    assert not is_due(diary, NIGHT + timedelta(hours=10), 4, BERLIN)
    assert is_due(diary, NIGHT + DAY, 4, BERLIN)


def test_a_night_that_was_missed_is_made_up_for_once() -> None:
    diary = Diary(ran_at=NIGHT, as_of=NIGHT)
    late = NIGHT + 5 * DAY + timedelta(hours=7)
    assert is_due(diary, late, 4, BERLIN)
    assert not is_due(next_entry(diary, late), late + timedelta(hours=1), 4, BERLIN)


def test_a_clock_that_jumps_ahead_ages_nothing_by_more_than_a_day() -> None:
    diary = Diary(ran_at=NIGHT, as_of=NIGHT)
    wrong = next_entry(diary, NIGHT + 365 * DAY)
    assert wrong.as_of == NIGHT + DAY
    again = next_entry(wrong, NIGHT + 366 * DAY)
    assert again.as_of == NIGHT + 2 * DAY


def test_running_it_often_does_not_make_a_jump_believable() -> None:
    diary = next_entry(Diary(ran_at=NIGHT, as_of=NIGHT), NIGHT + 365 * DAY)
    for minute in range(100):
        diary = next_entry(diary, NIGHT + 365 * DAY + timedelta(minutes=minute))
    assert diary.as_of < NIGHT + 2 * DAY


def test_after_a_week_of_regular_nights_the_clock_is_right() -> None:
    diary = next_entry(Diary(ran_at=NIGHT, as_of=NIGHT), NIGHT + 365 * DAY)
    nights = 0
    while diary.as_of != diary.ran_at:
        diary = next_entry(diary, diary.ran_at + DAY)
        nights += 1
    assert nights == 7


def test_a_clock_put_right_again_works_from_the_next_night() -> None:
    diary = next_entry(Diary(ran_at=NIGHT, as_of=NIGHT), NIGHT + 365 * DAY)
    right = NIGHT + timedelta(hours=12)
    back = opened(diary, right)
    assert not is_due(back, right, 4, BERLIN)
    assert back.as_of <= right
    assert is_due(back, NIGHT + DAY, 4, BERLIN)
    assert next_entry(back, NIGHT + DAY).as_of <= NIGHT + DAY


def test_a_clock_that_went_back_never_computes_ages_from_the_future() -> None:
    diary = Diary(ran_at=NIGHT, as_of=NIGHT)
    before = NIGHT - 400 * DAY
    assert next_entry(opened(diary, before), before).as_of == before


def test_the_diary_survives_and_a_torn_one_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "diary.json"
    assert read_diary(file) is None
    diary = Diary(ran_at=NIGHT, as_of=NIGHT - DAY, doubts=3)
    keep_diary(file, diary)
    assert read_diary(file) == diary
    assert list(tmp_path.iterdir()) == [file]
    for torn in (file.read_bytes()[:-5], b"", b"[]", b'{"ran_at": "2026-01-01", "as_of": 3}'):
        file.write_bytes(torn)
        assert read_diary(file) is None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    keep_diary(tmp_path / "missing" / "diary.json", Diary(ran_at=NIGHT, as_of=NIGHT))
    assert not (tmp_path / "missing").exists()
