"""What an outcome makes of a reminder that repeats."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.reminders.outcomes import Pace, outcome
from services.reminders.posts import Posting
from tests.fakes.clock import ManualClock
from tests.fakes.reminders import reminder_world

PACE = Pace(pauses=(10.0,))


@pytest.fixture
async def daily(tmp_path):
    async with reminder_world(tmp_path, ManualClock()) as world:
        yield world.reminder("stretch", world.clock.now(), rrule="FREQ=DAILY", attempts=1)


def test_a_repeating_one_that_nobody_could_be_told_goes_on_and_is_counted(daily):
    now, following = daily.due_at, daily.due_at + timedelta(days=1)
    lost = replace(daily, moved=True)
    values = outcome(lost, Posting.FAILED, now=now, following=following, pace=PACE)
    assert values["due_at"] == values["wake_at"] == following
    assert values["missed"] == 1
    assert values["occurrence"] == 2
    assert values["moved"] is False
    assert values["lane"] == "in test:guild:main"


def test_once_told_again_nothing_counts_as_missed(daily):
    following = daily.due_at + timedelta(days=1)
    values = outcome(daily, Posting.POSTED, now=daily.due_at, following=following, pace=PACE)
    assert values["missed"] == 0
    assert values["uncertain"] is False
    assert values["tried_at"] is None


def test_its_last_occurrence_ends_it(daily):
    values = outcome(daily, Posting.POSTED, now=daily.due_at, following=None, pace=PACE)
    assert values["state"] == "shown"


def test_a_certain_failure_after_an_uncertain_one_is_still_uncertain(daily):
    doubtful = replace(daily, attempts=0, uncertain=True)
    values = outcome(doubtful, Posting.FAILED, now=daily.due_at, following=None, pace=PACE)
    assert values["uncertain"] is True
