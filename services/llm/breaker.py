"""Models that keep failing are not asked for a while."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from enum import StrEnum

from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import ChatModel, ChatRequest, ModelEvent, ModelInfo
from services.llm.wrapper import ModelWrapper
from services.observability.metrics import Metrics

logger = logging.getLogger(__name__)

_COUNTED = frozenset(
    {
        ProviderFault.UNREACHABLE,
        ProviderFault.SERVER_ERROR,
        ProviderFault.TIMEOUT,
        ProviderFault.BROKEN_STREAM,
    }
)
_PROBE_SECONDS = 1.0


class BreakerState(StrEnum):
    """Whether a model is asked: as ever, not at all, or once to see whether it is well again."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


LEVELS = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 1.0, BreakerState.OPEN: 2.0}
"""The states as values of the gauge ``breaker_state``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStatus:
    """A breaker now; ``remaining`` is in seconds until the model is asked again."""

    endpoint: str
    model: str
    state: BreakerState
    remaining: float
    last_failure: str


@dataclass(slots=True, eq=False)
class GuardedCall:
    """One call to a guarded model; ``period`` is the stretch between two changes it belongs to."""

    period: int
    answered: bool = False


class Breaker:
    """Opens after ``failures`` failures in a row, for ``seconds``; then lets one call try.

    A failure is an unreachable server, a server error, a timeout or a broken stream. What a server
    refuses on purpose, a model being loaded and a call given up say nothing about it. The first
    event of the trying call closes the breaker on probation: the next failure opens it again until
    an answer is complete, or was left by its reader after it had begun. Calls that began before
    the last change of state are not counted.

    Metrics: gauge ``breaker_state{endpoint,model}`` (see ``LEVELS``), ``breaker_opened`` likewise.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        model: str,
        failures: int,
        seconds: float,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._metrics = metrics
        self._failures = 0
        self._until: float | None = None
        self._probe: GuardedCall | None = None
        self._period = 0
        self._last_failure = ""
        self._show(BreakerState.CLOSED)

    @property
    def status(self) -> BreakerStatus:
        """The state now."""
        if self._until is None:
            state, remaining = BreakerState.CLOSED, 0.0
        else:
            remaining = max(0.0, self._until - self._clock.monotonic())
            state = BreakerState.OPEN if remaining else BreakerState.HALF_OPEN
        return BreakerStatus(
            endpoint=self._endpoint,
            model=self._model,
            state=state,
            remaining=remaining,
            last_failure=self._last_failure,
        )

    @contextmanager
    def call(self) -> Iterator[GuardedCall]:
        """Watch one call to the model; how the body ends tells how it went.

        Raises ``ProviderError`` (``BREAKER_OPEN``, ``retry_after`` seconds) when the model may not
        be asked now.
        """
        call = self._admit()
        try:
            yield call
        except ProviderError as error:
            if error.fault in _COUNTED:
                self._failed(call, error)
            raise
        except (GeneratorExit, asyncio.CancelledError):
            if call.answered:
                self._succeeded(call)
            raise
        else:
            self._succeeded(call)
        finally:
            if call is self._probe:
                self._probe = None

    def answered(self, call: GuardedCall) -> None:
        """Note that the first event of the answer has come."""
        call.answered = True
        if call is self._probe:
            self._until = None
            self._failures = self._limit - 1
            self._begin_period()
            call.period = self._period
            self._show(BreakerState.CLOSED)
            logger.info("the model answers again", extra={"model": self._model})

    def _admit(self) -> GuardedCall:
        call = GuardedCall(period=self._period)
        if self._until is None:
            return call
        remaining = self._until - self._clock.monotonic()
        if remaining > 0 or self._probe is not None:
            raise self._resting(remaining)
        self._probe = call
        self._show(BreakerState.HALF_OPEN)
        return call

    def _resting(self, remaining: float) -> ProviderError:
        wait = remaining if remaining > 0 else _PROBE_SECONDS
        which = self._model or f"at {self._endpoint}"
        return ProviderError(
            self._endpoint,
            ProviderFault.BREAKER_OPEN,
            f"The model {which} kept failing and is not asked for the next "
            f"{math.ceil(wait)} s; try again then, or choose another model.",
            detail=self._last_failure,
            retry_after=wait,
        )

    def _succeeded(self, call: GuardedCall) -> None:
        self.answered(call)
        if call.period == self._period:
            self._failures = 0

    def _failed(self, call: GuardedCall, error: ProviderError) -> None:
        if call.period != self._period:
            return
        self._last_failure = error.code
        self._failures += 1
        if call is not self._probe and self._failures < self._limit:
            return
        self._until = self._clock.monotonic() + self._seconds
        self._begin_period()
        self._metrics.count("breaker_opened", endpoint=self._endpoint, model=self._model)
        self._show(BreakerState.OPEN)
        logger.warning(
            "the model keeps failing and is not asked for a while",
            extra={"model": self._model, "code": error.code, "seconds": self._seconds},
        )

    def _begin_period(self) -> None:
        self._period += 1
        self._probe = None

    def _show(self, state: BreakerState) -> None:
        self._metrics.gauge(
            "breaker_state", LEVELS[state], endpoint=self._endpoint, model=self._model
        )


class Breakers:
    """One breaker per endpoint and model; the ``limit`` last used ones are kept."""

    def __init__(
        self, *, failures: int, seconds: float, clock: Clock, metrics: Metrics, limit: int = 64
    ) -> None:
        self._failures = failures
        self._seconds = seconds
        self._clock = clock
        self._metrics = metrics
        self._limit = limit
        self._kept: OrderedDict[tuple[str, str], Breaker] = OrderedDict()

    def of(self, endpoint: str, model: str) -> Breaker:
        """Return the breaker of ``model`` at ``endpoint``, the same one while it is kept."""
        key = endpoint, model
        if key not in self._kept:
            self._kept[key] = Breaker(
                endpoint=endpoint,
                model=model,
                failures=self._failures,
                seconds=self._seconds,
                clock=self._clock,
                metrics=self._metrics,
            )
            if len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def states(self) -> list[BreakerStatus]:
        """Return every kept breaker's state now, the one used last at the end."""
        return [breaker.status for breaker in self._kept.values()]


class GuardedModel(ModelWrapper):
    """Asks the model inside only while its breaker allows it.

    Otherwise ``open`` and ``stream`` raise ``ProviderError`` (``BREAKER_OPEN``) at once. Opening
    counts like an answer, once; calls that wait for the same opening ask one after the other.
    ``probe`` always asks.
    """

    def __init__(self, inner: ChatModel, breaker: Breaker) -> None:
        super().__init__(inner)
        self._breaker = breaker
        self._opening = asyncio.Lock()
        self._opened = False

    async def open(self) -> ModelInfo:
        """Open the model inside; raises what it raises, or ``BREAKER_OPEN``."""
        async with self._opening:
            if not self._opened:
                with self._breaker.call():
                    await self._inner.open()
                self._opened = True
        return await self._inner.open()

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer ``request``; raises what the model inside raises, or ``BREAKER_OPEN``."""
        with self._breaker.call() as call:
            async with aclosing(self._inner.stream(request)) as events:
                async for event in events:
                    if not call.answered:
                        self._breaker.answered(call)
                    yield event
