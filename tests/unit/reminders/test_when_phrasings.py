"""Every phrasing of the table is understood as worked out by hand, or asked back."""

from __future__ import annotations

from datetime import datetime

import pytest

from services.reminders.when import parse_reminder
from tests.unit.reminders.phrasings import ASK, Phrasing, phrasings

TABLE = phrasings()


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.zone.key} {row.said}" for row in TABLE])
def test_phrasing(row: Phrasing):
    parsed = parse_reminder(row.said, now=row.now, zone=row.zone)
    if row.when == ASK:
        assert (parsed.when, parsed.rrule) == (None, None)
        assert parsed.ask is not None
        assert parsed.ask.endswith("?")
        assert not row.text or parsed.text == row.text
        return
    expected = datetime.fromisoformat(row.when)
    assert parsed.ask is None
    assert parsed.when is not None
    assert parsed.when.isoformat() == expected.isoformat()
    assert parsed.when.tzinfo is row.zone
    assert (parsed.rrule, parsed.text) == (row.rrule, row.text)


@pytest.mark.parametrize(
    "frame",
    [
        "remind me to water the plants {}",
        "{} water the plants",
        "remind me {} to water the plants",
        "{}, remind me to water the plants",
        "erinnere mich {} daran, die Blumen zu gießen",
    ],
)
def test_around_other_words_it_is_the_same_or_asked_back(frame: str):
    wrong = []
    for row in TABLE:
        said = frame.format(row.said)
        parsed = parse_reminder(said, now=row.now, zone=row.zone)
        if parsed.when is not None and not row.text:
            meant = None if row.when == ASK else datetime.fromisoformat(row.when).isoformat()
            if (parsed.when.isoformat(), parsed.rrule) != (meant, row.rrule):
                wrong.append(said)
    assert not wrong


def test_the_table_is_wide_enough():
    assert len(TABLE) >= 250
    assert len({(row.zone.key, row.now, row.said) for row in TABLE}) == len(TABLE)
    assert len({row.zone.key for row in TABLE}) == 5
