"""The console as a place answers go to."""

from __future__ import annotations

import io

import pytest

from frontends.console.delivery import ConsoleDelivery
from frontends.console.views import JsonView, TextView
from services.domain.ids import ActionId
from services.domain.replies import (
    ConfirmationRequested,
    Delivered,
    InterruptReason,
    TextDelta,
)
from tests.fakes.console_service import brief


class BrokenOutput(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


async def test_a_delta_is_on_the_screen_when_emit_returns() -> None:
    out = io.StringIO()
    async with ConsoleDelivery(TextView(out, io.StringIO())).open(brief()) as sinks:
        await sinks[0].emit(TextDelta(text="Hel"))
        assert out.getvalue() == "Hel"


async def test_stopping_says_that_nothing_was_held_back() -> None:
    async with ConsoleDelivery(TextView(io.StringIO(), io.StringIO())).open(brief()) as sinks:
        assert await sinks[0].abort(InterruptReason.USER_STOP) == Delivered()


async def test_output_that_is_gone_silences_the_sink_and_is_remembered() -> None:
    delivery = ConsoleDelivery(JsonView(BrokenOutput()))
    async with delivery.open(brief()) as (sink,):
        with pytest.raises(OSError):  # noqa: PT011
            await sink.emit(TextDelta(text="Hel"))
    assert isinstance(delivery.lost, BrokenPipeError)


async def test_an_abandoned_answer_no_longer_writes() -> None:
    out = io.StringIO()
    delivery = ConsoleDelivery(TextView(out, io.StringIO()))
    async with delivery.open(brief()) as (sink,):
        delivery.close()
        with pytest.raises(OSError):  # noqa: PT011
            await sink.emit(TextDelta(text="late"))
    assert out.getvalue() == ""
    assert delivery.lost is None


async def test_the_action_to_confirm_is_remembered() -> None:
    delivery = ConsoleDelivery(TextView(io.StringIO(), io.StringIO()))
    async with delivery.open(brief()) as (sink,):
        await sink.emit(
            ConfirmationRequested(action=ActionId("a"), tool="rm", arguments={}, question="Sure?")
        )
    assert delivery.asked == "a"
