"""Quiet hours go by the clock on the wall, whatever it does at night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.conversation.quiet_hours import QuietHours
from services.domain.errors import InvalidRequest

BERLIN = ZoneInfo("Europe/Berlin")


def quiet_moments(hours: str, start: datetime, hours_long: int) -> list[str]:
    """The moments, every half an hour from ``start``, that are quiet in Berlin, in UTC."""
    held = QuietHours.parse(hours)
    moments = (start + timedelta(minutes=30 * n) for n in range(2 * hours_long))
    return [f"{moment:%H:%M}" for moment in moments if held.hold(moment, BERLIN)]


@pytest.mark.parametrize(
    ("local", "quiet"),
    [("21:59", False), ("22:00", True), ("23:59", True), ("00:00", True), ("06:59", True),
     ("07:00", False), ("12:00", False)],
)  # fmt: skip
def test_hours_over_midnight_hold_on_both_days(local, quiet):
    hour, minute = map(int, local.split(":"))
    moment = datetime(2026, 6, 10, hour, minute, tzinfo=BERLIN)
    assert QuietHours.parse("22:00-07:00").hold(moment.astimezone(UTC), BERLIN) is quiet


def test_the_end_follows_the_wall_when_the_clock_goes_forward():
    # On 29 March 2026 it is 3 o'clock right after 2 o'clock, at 01:00 UTC.
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)
    moments = quiet_moments("22:00-07:00", evening, 12)
    assert (moments[0], moments[-1]) == ("21:00", "04:30")


def test_hours_that_begin_in_the_hour_that_is_left_out_begin_after_it():
    night = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    assert quiet_moments("02:30-04:00", night, 4) == ["01:00", "01:30"]


def test_an_hour_that_comes_twice_is_quiet_twice():
    # On 25 October 2026 it is 2 o'clock at 00:00 and again at 01:00 UTC.
    night = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    assert quiet_moments("02:00-03:00", night, 6) == ["00:00", "00:30", "01:00", "01:30"]


def test_without_a_zone_the_machine_decides(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert QuietHours.parse("22:00-07:00").hold(datetime(2026, 6, 10, 14, tzinfo=UTC), None)
        assert not QuietHours.parse("22:00-07:00").hold(datetime(2026, 6, 9, 23, tzinfo=UTC), None)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["22-7", "24:00-07:00", "10:60-11:00", "07:00-07:00", "", "x"])
def test_what_is_no_pair_of_times_is_refused(text):
    with pytest.raises(InvalidRequest):
        QuietHours.parse(text)


@pytest.mark.parametrize("text", ["9:05 - 17:30", "09:05–17:30", "09:05 to 17:30"])
def test_people_may_write_it_their_way(text):
    assert str(QuietHours.parse(text)) == "09:05-17:30"
