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


def test_the_table_is_wide_enough():
    assert len(TABLE) >= 250
    assert len({(row.zone.key, row.now, row.said) for row in TABLE}) == len(TABLE)
    assert len({row.zone.key for row in TABLE}) == 5
