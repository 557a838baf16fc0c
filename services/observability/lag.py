"""How late the event loop is."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from services.lifecycle import Supervisor
from services.observability.metrics import Metrics

_TICK_SECONDS = 0.25
_WINDOW_SECONDS = 60.0


class LoopLag:
    """While entered, notes every 0.25 s how late its timer fired.

    Metrics: ``event_loop_lag_seconds`` and the gauge ``event_loop_lag_worst_seconds``, the worst of
    the last minute.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._supervisor = Supervisor()

    async def __aenter__(self) -> Self:
        self._supervisor = await Supervisor().__aenter__()
        self._supervisor.start("loop lag", self._watch)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        late: deque[float] = deque(maxlen=int(_WINDOW_SECONDS / _TICK_SECONDS))
        while True:
            due = loop.time() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            late.append(max(0.0, loop.time() - due))
            self._metrics.time("event_loop_lag_seconds", late[-1])
            self._metrics.gauge("event_loop_lag_worst_seconds", max(late))
