"""How well the process is, gathered in one place so that frontends only show it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from services.domain.clock import Clock
from services.domain.events import DomainEvent
from services.lifecycle import Supervisor
from services.observability.metrics import Metrics

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS = 3.0
_PENDING = "Still being checked; ask again in a moment."
_COUNTED = ("events", "turns", "suppressed", "llm_requests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Whether something needed works; ``detail`` is one sentence without secrets."""

    name: str
    ok: bool
    detail: str


class HealthProbe(Protocol):
    """Finds out whether something needed works."""

    @property
    def name(self) -> str:
        """What is checked, as an identifier."""
        ...

    @property
    def fresh_seconds(self) -> float:
        """How long an outcome is believed before the next check."""
        ...

    async def check(self) -> Check:
        """Look now; never raises but when cancelled."""
        ...


class ModelStatus(Protocol):
    """Whether a model is asked, as its breaker has it."""

    @property
    def endpoint(self) -> str:
        """Where it runs."""
        ...

    @property
    def model(self) -> str:
        """Its name."""
        ...

    @property
    def state(self) -> str:
        """``closed``: asked as ever, ``half_open``: tried once, ``open``: not asked."""
        ...


class EventSource(Protocol):
    """Where the news of the process come from."""

    def subscribe(self, *kinds: str) -> AbstractAsyncContextManager[AsyncIterator[DomainEvent]]:
        """Enter to receive what is published from then on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """The state of the process, of its models and of what was last checked."""

    healthy: bool
    uptime_seconds: float
    models: Sequence[ModelStatus]
    checks: Sequence[Check]
    counts: Mapping[str, int]
    last_event_at: datetime | None


class Health:
    """Knows how well the process is; entering begins to count the process's events.

    ``check`` asks every probe whose last outcome is no longer fresh. Checks never run twice at the
    same time, are not disturbed when their asker leaves, and after 3 seconds the asker is told
    that they are not done. Metric: ``events{kind}``.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        metrics: Metrics,
        events: EventSource,
        probes: Sequence[HealthProbe],
        models: Callable[[], Sequence[ModelStatus]],
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._events = events
        self._probes = probes
        self._models = models
        self._began = clock.monotonic()
        self._last_event_at: datetime | None = None
        self._known: dict[str, tuple[float, Check]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._supervisor = Supervisor()

    async def __aenter__(self) -> Self:
        self._supervisor = await Supervisor().__aenter__()
        self._supervisor.start("health events", self._watch, restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)
        self._running.clear()

    async def check(self) -> Sequence[Check]:
        """Return what every probe finds, in the probes' order."""
        running = {
            probe.name: self._started(probe) for probe in self._probes if not self._fresh(probe)
        }
        if running:
            await asyncio.wait(running.values(), timeout=_PATIENCE_SECONDS)
        return [
            Check(name=probe.name, ok=False, detail=_PENDING)
            if probe.name in running and not running[probe.name].done()
            else self._known[probe.name][1]
            for probe in self._probes
        ]

    def report(self) -> HealthReport:
        """Return what is known now, without asking anything."""
        models = list(self._models())
        checks = [check for _, check in self._known.values()]
        return HealthReport(
            healthy=all(check.ok for check in checks)
            and all(model.state != "open" for model in models),
            uptime_seconds=self._clock.monotonic() - self._began,
            models=models,
            checks=checks,
            counts={name: self._metrics.total(name) for name in _COUNTED},
            last_event_at=self._last_event_at,
        )

    def _fresh(self, probe: HealthProbe) -> bool:
        known = self._known.get(probe.name)
        return known is not None and self._clock.monotonic() - known[0] < probe.fresh_seconds

    def _started(self, probe: HealthProbe) -> asyncio.Task[None]:
        running = self._running.get(probe.name)
        if running is None or running.done():
            running = self._supervisor.start(f"check {probe.name}", lambda: self._look(probe))
            self._running[probe.name] = running
        return running

    async def _look(self, probe: HealthProbe) -> None:
        try:
            found = await probe.check()
        except Exception:
            logger.exception("health check failed", extra={"check": probe.name})
            found = Check(name=probe.name, ok=False, detail="The check itself failed; see the log.")
        self._known[probe.name] = self._clock.monotonic(), found

    async def _watch(self) -> None:
        async with self._events.subscribe() as events:
            async for event in events:
                self._last_event_at = self._clock.now()
                self._metrics.count("events", kind=event.kind)
