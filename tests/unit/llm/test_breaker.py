"""A failing model gets a rest, and one call finds out when it is well again."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from services.domain.errors import ProviderError, ProviderFault
from services.llm.breaker import Breakers, BreakerState, GuardedModel
from services.llm.priority import Preempted
from services.observability.metrics import Metrics
from tests.fakes.clock import ManualClock
from tests.fakes.heard import hear
from tests.fakes.model_requests import asking, fault
from tests.fakes.scripted_model import Playbook, Script, ScriptedModel

CLOSED, HALF_OPEN, OPEN = BreakerState
COUNTED = ["unreachable", "server_error", "timeout", "broken_stream"]
UNCOUNTED = [
    *("loading", "overloaded", "unauthorized", "rejected"),
    *("unsupported", "model_missing", "malformed", "empty"),
]
DOWN = Script(error=fault("unreachable"))
BROKEN = Script(pieces=["Half ", "an"], fail_after=1, error=fault("broken_stream"))


class Setup:
    def __init__(self, playbook: Playbook, *, open_errors: list[ProviderError] | None = None):
        self.clock = ManualClock()
        self.metrics = Metrics()
        self.breakers = Breakers(failures=3, seconds=30.0, clock=self.clock, metrics=self.metrics)
        self.scripted = ScriptedModel(playbook, open_errors=open_errors or ())
        self.model = GuardedModel(self.scripted, self.breakers.of("ollama", "tiny"))

    @property
    def state(self) -> BreakerState:
        return self.breakers.states()[0].state

    async def fail(self, times: int = 3) -> None:
        for _ in range(times):
            assert (await hear(self.model)).error


@pytest.mark.parametrize("kind", COUNTED)
async def test_failures_in_a_row_open_and_the_model_is_left_alone(kind: str) -> None:
    setup = Setup(Script(error=fault(kind)))
    await setup.fail(2)
    assert setup.state is CLOSED
    await setup.fail(1)
    setup.clock.advance(2.5)
    heard = await hear(setup.model)
    assert heard.error
    assert heard.error.fault is ProviderFault.BREAKER_OPEN
    assert heard.error.retry_after == 27.5
    assert "28 s" in heard.error.user_message
    assert len(setup.scripted.requests) == 3
    (status,) = setup.breakers.states()
    assert (status.state, status.remaining) == (OPEN, 27.5)
    assert status.last_failure == f"provider_{kind}"
    assert setup.metrics.counted("breaker_opened", endpoint="ollama", model="tiny") == 1


@pytest.mark.parametrize("error", [*map(fault, UNCOUNTED), Preempted("scripted")], ids=str)
async def test_what_says_nothing_about_the_server_never_opens(error: ProviderError) -> None:
    setup = Setup(Script(error=error))
    await setup.fail(10)
    assert (setup.state, len(setup.scripted.requests)) == (CLOSED, 10)


async def test_complete_answer_starts_the_count_anew() -> None:
    setup = Setup([DOWN, DOWN, "Fine.", DOWN, DOWN, "Fine.", DOWN, DOWN, DOWN, "Never."])
    for _ in range(9):
        await hear(setup.model)
    assert setup.state is OPEN


async def test_answers_that_always_break_in_the_middle_open_too() -> None:
    setup = Setup(BROKEN)
    await setup.fail(3)
    assert setup.state is OPEN


async def test_reader_who_leaves_a_running_answer_counts_as_success() -> None:
    setup = Setup([DOWN, DOWN, "One two three.", DOWN, DOWN])
    await setup.fail(2)
    async with aclosing(setup.model.stream(asking())) as events:
        await anext(events)
    await setup.fail(2)
    assert setup.state is CLOSED


async def test_rest_over_lets_exactly_one_call_try() -> None:
    hold = asyncio.Event()
    setup = Setup([DOWN, DOWN, DOWN, Script(text="Well again.", hold=hold), "Fine."])
    await setup.fail(3)
    setup.clock.advance(30.0)
    assert setup.state is HALF_OPEN
    async with asyncio.TaskGroup() as group:
        probe = group.create_task(hear(setup.model))
        await asyncio.sleep(0)
        assert (await hear(setup.model)).fault is ProviderFault.BREAKER_OPEN
        hold.set()
    assert probe.result().text == "Well again."
    assert setup.state is CLOSED
    assert (await hear(setup.model)).text == "Fine."


async def test_failed_probe_opens_for_the_whole_time_again() -> None:
    setup = Setup(DOWN)
    await setup.fail(3)
    setup.clock.advance(31.0)
    await setup.fail(1)
    assert setup.breakers.states()[0].remaining == 30.0
    await setup.fail(5)
    assert len(setup.scripted.requests) == 4


@pytest.mark.parametrize("how", ["cancelled", "preempted", "loading"])
async def test_probe_that_finds_nothing_out_frees_the_probe(how: str) -> None:
    unclear = {
        "cancelled": Script(hold=asyncio.Event()),
        "preempted": Script(error=Preempted("scripted")),
        "loading": Script(error=fault("loading")),
    }[how]
    setup = Setup([DOWN, DOWN, DOWN, unclear, "Well again."])
    await setup.fail(3)
    setup.clock.advance(31.0)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hear(setup.model))
        await asyncio.sleep(0.001)
        task.cancel()
    assert setup.state is HALF_OPEN
    assert (await hear(setup.model)).text == "Well again."
    assert setup.state is CLOSED


async def test_probe_that_breaks_after_its_first_word_opens_again() -> None:
    setup = Setup([DOWN, DOWN, DOWN, BROKEN, "Never."])
    await setup.fail(3)
    setup.clock.advance(31.0)
    await setup.fail(1)
    assert setup.state is OPEN


async def test_slow_calls_from_before_do_not_decide_about_the_probe() -> None:
    hold = asyncio.Event()
    late = Script(hold=hold, error=fault("timeout"))
    probing = asyncio.Event()
    setup = Setup([late, DOWN, DOWN, DOWN, Script(text="Well again.", hold=probing)])
    async with asyncio.TaskGroup() as group:
        group.create_task(hear(setup.model))
        await asyncio.sleep(0)
        await setup.fail(3)
        setup.clock.advance(31.0)
        probe = group.create_task(hear(setup.model))
        await asyncio.sleep(0)
        hold.set()
        await asyncio.sleep(0.001)
        assert setup.state is HALF_OPEN
        probing.set()
    assert probe.result().text == "Well again."
    assert setup.state is CLOSED


async def test_server_that_does_not_answer_the_opening_is_left_alone_too() -> None:
    setup = Setup("Fine.", open_errors=[fault("unreachable")] * 3)
    for _ in range(3):
        with pytest.raises(ProviderError, match="unreachable"):
            await setup.model.open()
    with pytest.raises(ProviderError, match="breaker_open"):
        await setup.model.open()
    assert setup.scripted.opened == 3
    setup.clock.advance(31.0)
    assert (await setup.model.open()).name == "scripted"
    assert setup.state is CLOSED


async def test_opened_model_stays_open_while_its_breaker_is_not_closed() -> None:
    setup = Setup(DOWN)
    await setup.model.open()
    await setup.fail(3)
    assert (await setup.model.open()).name == "scripted"


async def test_breakers_are_one_per_endpoint_and_model_and_bounded() -> None:
    setup = Setup("Fine.")
    same = setup.breakers.of("ollama", "tiny")
    assert setup.breakers.of("openai", "tiny") is not same
    for number in range(63):
        setup.breakers.of("ollama", "tiny")
        setup.breakers.of("ollama", f"m{number}")
    assert setup.breakers.of("ollama", "tiny") is same
    assert len(setup.breakers.states()) == 64


async def test_gauge_follows_the_state() -> None:
    setup = Setup([DOWN, DOWN, DOWN, "Fine."])

    def shown() -> float | None:
        return setup.metrics.gauged("breaker_state", endpoint="ollama", model="tiny")

    assert shown() == 0.0
    await setup.fail(3)
    assert shown() == 2.0
    setup.clock.advance(31.0)
    async with aclosing(setup.model.stream(asking())) as events:
        await anext(events)
        assert shown() == 0.0
