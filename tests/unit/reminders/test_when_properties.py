"""Whatever is said: no error, no past, and times that were written are read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.reminders.when import next_occurrence, parse_reminder
from tests.unit.reminders.phrasings import phrasings

pytestmark = pytest.mark.property

ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]
).map(ZoneInfo)
FIRST, LAST = datetime(2020, 1, 1), datetime(2060, 1, 1)  # noqa: DTZ001  hypothesis adds the zone
MOMENTS = st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC))
WORDS = sorted({word for row in phrasings() for word in row.said.split()})
SAID = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=12).map("".join),
    st.text(max_size=120),
)


@given(said=SAID, now=MOMENTS, zone=ZONES)
def test_it_answers_or_asks_and_is_never_in_the_past(said: str, now: datetime, zone: ZoneInfo):
    parsed = parse_reminder(said, now=now, zone=zone)
    assert (parsed.when is None) != (parsed.ask is None)
    if parsed.when is None:
        assert parsed.rrule is None
        return
    assert parsed.when.astimezone(UTC) > now
    assert parsed.when.tzinfo is zone
    assert parsed.when.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == (
        parsed.when.replace(tzinfo=None)
    ), "a moment that exists"
    if parsed.rrule is not None:
        following = next_occurrence(parsed.rrule, after=parsed.when, zone=zone, start=parsed.when)
        assert following is not None
        assert following.astimezone(UTC) > parsed.when.astimezone(UTC)


@given(
    now=MOMENTS,
    ahead=st.timedeltas(min_value=timedelta(days=2), max_value=timedelta(days=3000)),
    zone=ZONES,
    form=st.sampled_from(
        [
            "on %Y-%m-%d at %H:%M",
            "%d.%m.%Y %H:%M",
            "at %I:%M %p on %d %B %Y",
            "%B %d, %Y at %I:%M%p",
        ]
    ),
)
def test_written_moments_are_read_back(now: datetime, ahead: timedelta, zone: ZoneInfo, form: str):
    moment = (now + ahead).astimezone(zone).replace(second=0, microsecond=0)
    assume(moment.fold == 0)
    parsed = parse_reminder(f"feed the cat {moment.strftime(form)}", now=now, zone=zone)
    assert parsed.ask is None
    assert parsed.when == moment
    assert parsed.text == "feed the cat"


@given(now=MOMENTS, zone=ZONES, minutes=st.integers(1, 5000))
def test_minutes_pass_on_the_clock_of_the_world(now: datetime, zone: ZoneInfo, minutes: int):
    parsed = parse_reminder(f"in {minutes} minutes", now=now, zone=zone)
    assert parsed.when is not None
    assert parsed.when.astimezone(UTC) == (now + timedelta(minutes=minutes)).replace(microsecond=0)


@given(now=MOMENTS, zone=ZONES, hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_a_daily_time_is_the_same_on_every_wall(
    now: datetime, zone: ZoneInfo, hour: int, minute: int
):
    parsed = parse_reminder(f"every day at {hour:02}:{minute:02}", now=now, zone=zone)
    if parsed.ask is not None:
        assert 10 <= hour <= 12
        return
    assert parsed.when is not None
    assert parsed.rrule is not None
    after = parsed.when
    for _ in range(3):
        following = next_occurrence(parsed.rrule, after=after, zone=zone, start=parsed.when)
        assert following is not None
        moved = (following.hour, following.minute) != (hour, minute)
        wall = following.replace(hour=hour, minute=minute, tzinfo=None)
        back = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
        assert not moved or back != wall, "only a skipped time moves"
        after = following
