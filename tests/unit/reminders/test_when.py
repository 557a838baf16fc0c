"""Reminder times: what nobody may break, and the moments of recurrences."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.domain.errors import InvalidRequest
from services.reminders.when import LONGEST_TEXT, next_occurrence, parse_reminder

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NOW = datetime(2026, 11, 18, 10, 0, tzinfo=BERLIN)


def test_a_megabyte_is_asked_to_be_shortened():
    parsed = parse_reminder("at 5pm " * 150_000, now=NOW, zone=BERLIN)
    assert parsed.when is None
    assert parsed.ask is not None
    assert len(parsed.text) <= LONGEST_TEXT


@pytest.mark.parametrize(
    "said",
    [
        "5m" * 1000,
        "5 minutes before " * 117,
        "every monday, " * 140,
        "remind me " * 200,
        "1:" * 1000,
        "9" * 2000,
        "in " + "9" * 1900 + " hours",
        "-" * 2000,
        "(" * 2000,
    ],
    ids=lambda said: said[:12],
)
def test_what_repeats_itself_gives_an_answer(said: str):
    parsed = parse_reminder(said, now=NOW, zone=BERLIN)
    assert (parsed.when is None) != (parsed.ask is None)


@pytest.mark.parametrize(
    "said", ["", " ", "\x00", "\ud800", "\u202eat 5pm", "٥ ٤", "½", "at ⁵pm", "in ² hours", "\n\n"]
)
def test_odd_characters_do_no_harm(said: str):
    parsed = parse_reminder(said, now=NOW, zone=BERLIN)
    assert (parsed.when is None) != (parsed.ask is None)


def test_control_characters_part_words_and_are_dropped():
    parsed = parse_reminder("buy\x07milk\x1b[31m at\x005pm", now=NOW, zone=BERLIN)
    assert parsed.when == datetime(2026, 11, 18, 17, 0, tzinfo=BERLIN)
    assert parsed.text.isprintable()


@pytest.mark.parametrize("year", [1, 9999])
def test_at_the_ends_of_the_calendar_it_asks(year: int):
    for said in ("at 5pm", "tomorrow at 9am", "in 2 days", "every day at 9am", "in a year"):
        for now in (
            datetime(year, 1, 1, tzinfo=ZoneInfo("UTC")),
            datetime(year, 12, 31, 23, 59, tzinfo=ZoneInfo("UTC")),
        ):
            for zone in (BERLIN, NEW_YORK):
                parsed = parse_reminder(said, now=now, zone=zone)
                assert (parsed.when is None) != (parsed.ask is None)


def test_now_may_be_in_another_zone():
    now = datetime(2026, 11, 18, 4, 0, tzinfo=NEW_YORK)
    parsed = parse_reminder("at 5pm", now=now, zone=BERLIN)
    assert parsed.when == datetime(2026, 11, 18, 17, 0, tzinfo=BERLIN)


def test_parsing_loads_dateutil_only_for_recurrences():
    script = (
        "import sys; from datetime import datetime; from zoneinfo import ZoneInfo\n"
        "from services.reminders.when import parse_reminder\n"
        "zone = ZoneInfo('UTC'); now = datetime(2026, 11, 18, tzinfo=zone)\n"
        "assert parse_reminder('at 5pm', now=now, zone=zone).when\n"
        "assert 'dateutil' not in sys.modules\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "assert parse_reminder('every day at 5pm', now=now, zone=zone).rrule\n"
        "assert 'dateutil' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


def occurrences(rrule: str, *, start: datetime, zone: ZoneInfo, count: int) -> list[str]:
    found: list[str] = []
    after = start - timedelta(seconds=1)
    for _ in range(count):
        moment = next_occurrence(rrule, after=after, zone=zone, start=start)
        assert moment is not None
        assert moment > after
        found.append(moment.isoformat(timespec="minutes"))
        after = moment
    return found


def test_every_day_at_nine_stays_at_nine_when_the_clocks_change():
    start = datetime(2026, 3, 28, 9, 0, tzinfo=BERLIN)
    found = occurrences("FREQ=DAILY;BYHOUR=9;BYMINUTE=0", start=start, zone=BERLIN, count=3)
    assert found == ["2026-03-28T09:00+01:00", "2026-03-29T09:00+02:00", "2026-03-30T09:00+02:00"]


def test_a_skipped_time_moves_forward_once_and_comes_back():
    start = datetime(2026, 3, 28, 2, 30, tzinfo=BERLIN)
    found = occurrences("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", start=start, zone=BERLIN, count=3)
    assert found == ["2026-03-28T02:30+01:00", "2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"]


def test_a_recurrence_that_begins_on_a_skipped_time_does_not_keep_the_moved_one():
    start = datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN)
    found = occurrences("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", start=start, zone=BERLIN, count=1)
    assert found == ["2026-03-30T02:30+02:00"]


def test_a_time_that_comes_twice_rings_once():
    start = datetime(2026, 10, 24, 2, 30, tzinfo=BERLIN)
    found = occurrences("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", start=start, zone=BERLIN, count=3)
    assert found == ["2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]


def test_half_an_hour_is_skipped_on_lord_howe():
    start = datetime(2026, 10, 3, 2, 15, tzinfo=LORD_HOWE)
    found = occurrences("FREQ=DAILY;BYHOUR=2;BYMINUTE=15", start=start, zone=LORD_HOWE, count=2)
    assert found == ["2026-10-03T02:15+10:30", "2026-10-04T02:45+11:00"]


def test_hours_pass_evenly_over_a_change_of_clocks():
    start = datetime(2026, 3, 8, 0, 30, tzinfo=NEW_YORK)
    found = occurrences("FREQ=HOURLY;INTERVAL=2", start=start, zone=NEW_YORK, count=3)
    assert found == ["2026-03-08T00:30-05:00", "2026-03-08T03:30-04:00", "2026-03-08T05:30-04:00"]


def test_every_other_week_keeps_its_distance_from_the_first():
    start = datetime(2026, 11, 24, 18, 0, tzinfo=BERLIN)
    rule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=18;BYMINUTE=0"
    after = datetime(2026, 11, 25, tzinfo=BERLIN)
    moment = next_occurrence(rule, after=after, zone=BERLIN, start=start)
    assert moment == datetime(2026, 12, 8, 18, 0, tzinfo=BERLIN)


def test_the_last_friday_of_each_month():
    start = datetime(2026, 11, 27, 9, 0, tzinfo=BERLIN)
    rule = "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=9;BYMINUTE=0"
    found = occurrences(rule, start=start, zone=BERLIN, count=3)
    assert [moment[:10] for moment in found] == ["2026-11-27", "2026-12-25", "2027-01-29"]


def test_minutes_of_many_years_are_not_counted_one_by_one():
    start = datetime(1990, 1, 1, tzinfo=BERLIN)
    moment = next_occurrence("FREQ=MINUTELY;INTERVAL=7", after=NOW, zone=BERLIN, start=start)
    assert moment is not None
    assert timedelta() < moment - NOW <= timedelta(minutes=7)


def test_a_rule_that_ends_has_no_next_one():
    start = datetime(2026, 11, 1, 9, 0, tzinfo=BERLIN)
    assert next_occurrence("FREQ=DAILY;COUNT=3", after=NOW, zone=BERLIN, start=start) is None


@pytest.mark.parametrize(
    "rrule",
    [
        "",
        "daily",
        "FREQ=SECONDLY",
        "FREQ=HOURLY;BYMINUTE=61",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=" + "9" * 100,
        "FREQ=DAILY;BYHOUR=25",
        "FREQ=DAILY;BYHOUR=x",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;" * 1000,
    ],
)
def test_rules_of_strangers_are_refused(rrule: str):
    with pytest.raises(InvalidRequest):
        next_occurrence(rrule, after=NOW, zone=BERLIN, start=NOW)


def test_the_thirtieth_of_february_never_comes():
    rule = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=9;BYMINUTE=0"
    assert next_occurrence(rule, after=NOW, zone=BERLIN, start=NOW) is None
