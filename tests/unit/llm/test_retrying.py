"""A failed call is made again only while nobody has read a word of it."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import aclosing
from typing import Any

import pytest

from services.domain.calls import ToolCall
from services.domain.errors import ProviderFault
from services.llm.model import Priority
from services.llm.priority import Preempted
from services.llm.retrying import LONGEST_PAUSE, RetryingModel
from services.observability.metrics import Metrics
from tests.fakes.heard import hear
from tests.fakes.model_requests import asking, fault
from tests.fakes.scripted_model import Script, ScriptedModel

PASSING = ["overloaded", "server_error", "unreachable", "loading", "broken_stream", "timeout"]
LASTING = [
    *("unauthorized", "rejected", "model_missing", "unsupported"),
    *("malformed", "empty", "breaker_open"),
]


def failing(kind: str, **fields) -> Script:
    return Script(error=fault(kind, **fields))


class Setup:
    def __init__(self, *playbook: Script | str, tries: int = 3, first_pause: float = 1.0) -> None:
        self.scripted = ScriptedModel(playbook)
        self.metrics = Metrics()
        self.pauses: list[float] = []
        self.model = RetryingModel(
            self.scripted,
            tries=tries,
            first_pause=first_pause,
            rng=random.Random(5),
            metrics=self.metrics,
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        assert self.scripted.active == 0, "the failed stream is still open during the pause"
        self.pauses.append(seconds)


@pytest.mark.parametrize("kind", PASSING)
async def test_passing_fault_is_tried_again(kind: str) -> None:
    setup = Setup(failing(kind), "All well.")
    heard = await hear(setup.model)
    assert (heard.text, heard.error) == ("All well.", None)
    assert setup.metrics.counted("retries", model="scripted", fault=kind) == 1


@pytest.mark.parametrize("kind", LASTING)
async def test_lasting_fault_is_not_tried_again(kind: str) -> None:
    setup = Setup(failing(kind), "Never asked.")
    assert (await hear(setup.model)).fault == kind
    assert (len(setup.scripted.requests), setup.pauses) == (1, [])


async def test_last_tries_error_goes_on_when_all_are_used_up() -> None:
    setup = Setup(failing("unreachable"), failing("overloaded"), failing("server_error"), "Never.")
    assert (await hear(setup.model)).fault is ProviderFault.SERVER_ERROR
    assert len(setup.scripted.requests) == 3


async def test_single_try_never_repeats() -> None:
    setup = Setup(failing("overloaded"), "Never.", tries=1)
    assert (await hear(setup.model)).fault is ProviderFault.OVERLOADED


async def test_timeout_is_waited_for_only_twice() -> None:
    setup = Setup(failing("timeout"), failing("overloaded"), failing("timeout"), "Never.", tries=9)
    assert (await hear(setup.model)).fault is ProviderFault.TIMEOUT
    assert len(setup.scripted.requests) == 3


@pytest.mark.virtual_time
async def test_model_that_loads_for_minutes_is_waited_for_only_twice() -> None:
    loading = Script(first_token_seconds=170.0, error=fault("loading"))
    setup = Setup(failing("loading"), loading, loading, "Never.", tries=9)
    assert (await hear(setup.model)).fault is ProviderFault.LOADING
    assert len(setup.scripted.requests) == 3


@pytest.mark.parametrize(
    "begun",
    [
        {"pieces": ["Once ", "upon"], "fail_after": 1},
        {"calls": [ToolCall(id="1", name="search", arguments={})]},
    ],
    ids=["text", "tool call"],
)
async def test_nothing_is_said_twice_after_the_first_delivery(begun: dict[str, Any]) -> None:
    setup = Setup(Script(error=fault("broken_stream"), **begun), "Again from the start.")
    heard = await hear(setup.model)
    assert heard.fault is ProviderFault.BROKEN_STREAM
    assert len(heard.events) == len(setup.scripted.requests) == 1


async def test_thought_is_read_once_although_the_model_thought_twice() -> None:
    broken = Script(reasoning="Hmm, so", error=fault("broken_stream"))
    setup = Setup(broken, Script(reasoning="Hmm, so be it", text="Yes."))
    heard = await hear(setup.model)
    assert (heard.reasoning, heard.text) == ("Hmm, so", "Yes.")


async def test_thought_of_the_second_try_is_read_when_the_first_had_none() -> None:
    setup = Setup(failing("overloaded"), Script(reasoning="Well", text="Yes."))
    assert (await hear(setup.model)).reasoning == "Well"


async def test_preempted_background_call_never_fights_for_its_place() -> None:
    setup = Setup(Script(error=Preempted("scripted")), "Never.")
    heard = await hear(setup.model, asking(priority=Priority.BACKGROUND))
    assert isinstance(heard.error, Preempted)
    assert len(setup.scripted.requests) == 1


async def test_pauses_are_drawn_below_an_end_that_doubles_up_to_the_longest() -> None:
    tops = [0.0] * 7
    for seed in range(60):
        setup = Setup(*[failing("overloaded")] * 8, tries=8)
        setup.model._rng.seed(seed)
        await hear(setup.model)
        tops = [max(top, pause) for top, pause in zip(tops, setup.pauses, strict=True)]
    for top, end in zip(tops, (1, 2, 4, 8, 16, 30, LONGEST_PAUSE), strict=True):
        assert 0.8 * end < top <= end


async def test_retry_after_is_waited_for_exactly() -> None:
    setup = Setup(
        failing("overloaded", retry_after=7.25), failing("server_error", retry_after=0.0), "Yes."
    )
    assert (await hear(setup.model)).text == "Yes."
    assert setup.pauses == [7.25, 0.0]


async def test_long_retry_after_is_left_to_the_fallback_at_once() -> None:
    setup = Setup(failing("overloaded", retry_after=LONGEST_PAUSE + 0.1), "Never.")
    heard = await hear(setup.model)
    assert heard.error
    assert heard.error.retry_after == LONGEST_PAUSE + 0.1
    assert setup.pauses == []


async def test_cancellation_leaves_in_the_middle_of_a_pause() -> None:
    scripted = ScriptedModel([failing("overloaded", retry_after=20.0), "Never."])
    model = RetryingModel(
        scripted, tries=3, first_pause=1.0, rng=random.Random(1), metrics=Metrics()
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hear(model))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
    assert task.cancelled()
    assert time.monotonic() - began < 0.5
    assert len(scripted.requests) == 1


async def test_closing_early_closes_the_model_inside() -> None:
    setup = Setup("One two three four.")
    async with aclosing(setup.model.stream(asking())) as events:
        await anext(events)
    assert (setup.scripted.closed, setup.scripted.active) == (1, 0)
