"""Who waits for a model server, who gives way, and that no place is ever lost."""

from __future__ import annotations

import asyncio
import random

import pytest

from services.domain.errors import ProviderError, ProviderFault
from services.llm import priority as module
from services.llm.model import Priority
from services.llm.priority import Preempted, ProviderLane
from services.observability.metrics import Metrics

CONVERSATION, PREFILL, BACKGROUND = Priority


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Caller:
    """Takes a place, notes the order, and leaves when told."""

    def __init__(
        self, lane: ProviderLane, priority: Priority, log: list[str], name: str, tenant: str = ""
    ) -> None:
        self.leave = asyncio.Event()
        self._lane, self._priority, self._log, self._name = lane, priority, log, name
        self._tenant = tenant

    async def run(self) -> str:
        async with self._lane.slot(self._priority, self._tenant) as lease:
            self._log.append(self._name)
            try:
                async with lease.within(None):
                    await self.leave.wait()
            except Preempted:
                return "preempted"
        return "done"


async def test_order_is_by_priority_and_fair_inside_a_class() -> None:
    lane = ProviderLane(1)
    log: list[str] = []
    names = ["c0", "b1", "p1", "c1", "p2", "c2"]
    kinds = {"b": BACKGROUND, "p": PREFILL, "c": CONVERSATION}
    callers = [Caller(lane, kinds[name[0]], log, name) for name in names]
    async with asyncio.TaskGroup() as group:
        for caller in callers:
            group.create_task(caller.run())
            await settle()
        for caller in callers[1:]:
            caller.leave.set()
        callers[0].leave.set()
    assert log == ["c0", "c1", "c2", "p1", "p2", "b1"]
    assert (lane.running, lane.waiting) == (0, 0)


async def line_up(lane: ProviderLane, calls: list[tuple[str, Priority]]) -> list[str]:
    """Have calls ask in this order, tenant = first letter, and return the order of being served."""
    log: list[str] = []
    callers = [Caller(lane, priority, log, name, name[0]) for name, priority in calls]
    async with asyncio.TaskGroup() as group:
        for caller in callers:
            group.create_task(caller.run())
            await settle()
        for caller in callers:
            caller.leave.set()
    assert (lane.running, lane.waiting) == (0, 0)
    return log


async def test_fifty_calls_of_one_tenant_delay_another_by_one():
    calls = [(f"a{number}", CONVERSATION) for number in range(50)]
    served = await line_up(ProviderLane(1), [*calls, ("b0", CONVERSATION), ("b1", CONVERSATION)])
    assert served.index("b0") <= 2  # a0 held the place before b asked
    assert served.index("b1") <= 4
    assert [name for name in served if name[0] == "a"] == [name for name, _ in calls]


async def test_tenants_take_turns_and_a_late_one_is_not_last():
    calls = [(name, CONVERSATION) for name in ("x0", "a0", "a1", "a2", "b0", "b1", "c0")]
    assert await line_up(ProviderLane(1), calls) == ["x0", "a0", "b0", "c0", "a1", "b1", "a2"]


async def test_taking_turns_never_crosses_priorities():
    calls = [("a0", CONVERSATION), ("b0", BACKGROUND), ("a1", CONVERSATION), ("a2", CONVERSATION)]
    assert await line_up(ProviderLane(1), calls) == ["a0", "a1", "a2", "b0"]


async def test_waiting_time_is_measured_by_provider_and_priority():
    metrics = Metrics()
    lane = ProviderLane(1, provider="embedded", metrics=metrics)
    log: list[str] = []
    first, second = Caller(lane, CONVERSATION, log, "a"), Caller(lane, CONVERSATION, log, "b")
    second.leave.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(first.run())
        await settle()
        group.create_task(second.run())
        await asyncio.sleep(0.05)
        first.leave.set()
    at_once, later = metrics.timed(
        "llm_queue_wait_seconds", endpoint="embedded", priority="conversation"
    )
    assert at_once < 0.02
    assert later >= 0.04


@pytest.mark.parametrize("lesser", [PREFILL, BACKGROUND])
async def test_waiting_conversation_preempts_a_lesser_holder(lesser: Priority) -> None:
    lane = ProviderLane(1)
    log: list[str] = []
    first, second = Caller(lane, lesser, log, "lesser"), Caller(lane, CONVERSATION, log, "talk")
    async with asyncio.TaskGroup() as group:
        lesser_run = group.create_task(first.run())
        await settle()
        talk = group.create_task(second.run())
        await settle()
        assert log == ["lesser", "talk"]
        assert lesser_run.result() == "preempted"
        assert lesser_run.cancelling() == 0
        second.leave.set()
    assert talk.result() == "done"


async def test_conversation_is_never_preempted_and_a_free_place_preempts_nobody() -> None:
    lane = ProviderLane(2)
    log: list[str] = []
    callers = [Caller(lane, kind, log, kind.name) for kind in (CONVERSATION, PREFILL, CONVERSATION)]
    async with asyncio.TaskGroup() as group:
        runs = []
        for caller in callers[:2]:
            runs.append(group.create_task(caller.run()))
            await settle()
        assert lane.running == 2
        runs.append(group.create_task(callers[2].run()))
        await settle()
        assert runs[1].result() == "preempted"
        assert lane.running == 2
        for caller in callers:
            caller.leave.set()
    assert [run.result() for run in runs] == ["done", "preempted", "done"]


async def test_background_waits_for_an_idle_server_although_places_are_free() -> None:
    lane = ProviderLane(4)
    log: list[str] = []
    talk, learn = Caller(lane, CONVERSATION, log, "talk"), Caller(lane, BACKGROUND, log, "learn")
    async with asyncio.TaskGroup() as group:
        group.create_task(talk.run())
        await settle()
        group.create_task(learn.run())
        await settle()
        assert log == ["talk"]
        talk.leave.set()
        await settle()
        assert log == ["talk", "learn"]
        learn.leave.set()


async def test_preempted_before_the_first_await_is_noticed_at_it() -> None:
    lane = ProviderLane(1)

    async def conversation() -> None:
        async with lane.slot(CONVERSATION):
            pass

    async with asyncio.TaskGroup() as group, lane.slot(PREFILL) as lease:
        group.create_task(conversation())
        await settle()
        assert lease.preempted
        with pytest.raises(Preempted) as caught:
            await lease.within(None).__aenter__()
    assert caught.value.fault is ProviderFault.OVERLOADED
    assert caught.value.detail == "preempted"


async def test_deadline_is_a_timeout_and_a_cancellation_stays_one() -> None:
    lane = ProviderLane(1)
    async with lane.slot(CONVERSATION) as lease:
        with pytest.raises(TimeoutError):
            async with lease.within(0.01):
                await asyncio.sleep(5)
    caller = Caller(lane, PREFILL, [], "x")
    async with asyncio.TaskGroup() as group:
        run = group.create_task(caller.run())
        await settle()
        run.cancel()
        # A conversation asks for the place while the cancellation is on its way.
        talk = Caller(lane, CONVERSATION, [], "y")
        talk.leave.set()
        group.create_task(talk.run())
    assert run.cancelled()
    assert lane.running == 0


async def test_waiting_line_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 1)
    lane = ProviderLane(1)
    log: list[str] = []
    first, second = (Caller(lane, CONVERSATION, log, name) for name in "ab")
    async with asyncio.TaskGroup() as group:
        for caller in (first, second):
            group.create_task(caller.run())
            await settle()
        with pytest.raises(ProviderError):
            async with lane.slot(CONVERSATION):
                pass
        first.leave.set()
        second.leave.set()


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_random_cancellations_never_keep_or_lose_a_place(concurrency: int) -> None:
    rng = random.Random(7 + concurrency)
    lane = ProviderLane(concurrency)
    holders = 0
    finished: list[Priority] = []

    async def call(priority: Priority) -> None:
        nonlocal holders
        try:
            async with lane.slot(priority, rng.choice("abc")) as lease:
                holders += 1
                assert holders <= concurrency
                try:
                    for _ in range(rng.randrange(3)):
                        async with lease.within(None):
                            await asyncio.sleep(0)
                finally:
                    holders -= 1
            finished.append(priority)
        except Preempted:
            assert priority is not CONVERSATION

    async with asyncio.TaskGroup() as group:
        for _ in range(3000):
            tasks = [
                group.create_task(call(rng.choice(list(Priority)))) for _ in range(rng.randrange(4))
            ]
            for _ in range(rng.randrange(3)):
                await asyncio.sleep(0)
            for task in tasks:
                if rng.random() < 0.5:
                    task.cancel()
    assert (lane.running, lane.waiting) == (0, 0)
    assert set(finished) == set(Priority)
    async with asyncio.timeout(1):
        for kind in Priority:
            await call(kind)
