"""The machine's clock is set while the program runs: nothing hangs, nothing opens, order stays."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from services.settings import ConversationSettings, GateSettings
from tests.fakes.app import opened_app
from tests.fakes.clock import ManualClock
from tests.fakes.scripted_model import ScriptedModel

JUMPS = [timedelta(days=-400), timedelta(hours=-3), timedelta(hours=3), timedelta(days=400)]


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_limits_neither_open_nor_close_when_the_clock_is_set(
    tmp_path: Path, clock: ManualClock, jump: timedelta
) -> None:
    gate = GateSettings(user_limit=2, limit_window_seconds=60.0)
    async with opened_app(tmp_path, ScriptedModel("Yes."), clock=clock, gate=gate) as app:
        for text in ("One", "Two"):
            outcome, _ = await app.say(text)
            assert outcome.withheld is None
        clock.set(clock.now() + jump)
        outcome, _ = await app.say("Three")
        assert outcome.withheld is not None
        assert outcome.withheld.reason == "user_limit"
        assert outcome.withheld.retry_after is not None
        assert 0.0 < outcome.withheld.retry_after <= 60.0
        clock.advance(61.0)
        outcome, _ = await app.say("Four")
        assert outcome.withheld is None


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_what_was_said_keeps_its_order_also_after_a_restart(
    tmp_path: Path, clock: ManualClock, jump: timedelta
) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes."), clock=clock) as app:
        await app.say("Before")
        clock.set(clock.now() + jump)
        await app.say("After")
    async with opened_app(tmp_path, ScriptedModel("Yes."), clock=clock) as app:
        await app.say("Restarted")
        assert await app.history() == [
            ("sam", "Before"),
            ("mira", "Yes."),
            ("sam", "After"),
            ("mira", "Yes."),
            ("sam", "Restarted"),
            ("mira", "Yes."),
        ]


@pytest.mark.parametrize("jump", JUMPS, ids=str)
async def test_idle_conversations_leave_memory_by_real_time_and_come_back(
    tmp_path: Path, clock: ManualClock, jump: timedelta
) -> None:
    settings = ConversationSettings(idle_seconds=2.0)
    async with opened_app(
        tmp_path, ScriptedModel("Yes."), clock=clock, conversation=settings
    ) as app:
        sessions = app.conversations._sessions
        await app.say("Hello")
        clock.set(clock.now() + jump)
        await asyncio.sleep(0.05)
        assert len(sessions.all()) == 1
        async with asyncio.timeout(20):
            while sessions.all():  # noqa: ASYNC110  leaving rings no bell
                await asyncio.sleep(0.05)
        outcome, _ = await app.say("Again")
        assert outcome.terminals[0].kind == "turn_finished"
        assert len(await app.history()) == 4
