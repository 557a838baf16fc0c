"""A model that is asked again when it failed before its first word."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from random import Random

from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import ChatModel, ChatRequest, ModelEvent
from services.llm.priority import Preempted
from services.llm.wrapper import ModelWrapper, Passage
from services.observability.metrics import Metrics

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 30.0
"""Seconds; who says to come back later than this is left to the fallback."""

_PASSING = frozenset(
    {
        ProviderFault.TIMEOUT,
        ProviderFault.OVERLOADED,
        ProviderFault.SERVER_ERROR,
        ProviderFault.UNREACHABLE,
        ProviderFault.LOADING,
        ProviderFault.BROKEN_STREAM,
    }
)


class RetryingModel(ModelWrapper):
    """Asks the model inside up to ``tries`` times, until the first text or tool call.

    Faults that pass are tried again: an overload, a server error, a server that is not there or
    still loads, a stream that breaks. Of tries that timed out, or took ``LONGEST_PAUSE`` to fail,
    only one is repeated. A call that gave way to a conversation is not. Reasoning that was already
    passed on does not forbid another try; the reasoning of the further try is then left out.

    The pause is drawn from 0 to ``first_pause`` seconds, an upper end that doubles with every try
    (full jitter). Where the provider said when to come back, exactly that is waited, or the error
    goes on at once when it is longer than ``LONGEST_PAUSE``. Nothing is held during a pause, and a
    cancellation ends it. Metric: ``retries{model,fault}``.
    """

    def __init__(
        self,
        inner: ChatModel,
        *,
        tries: int,
        first_pause: float,
        rng: Random,
        metrics: Metrics,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        super().__init__(inner)
        self._tries = tries
        self._first_pause = first_pause
        self._rng = rng
        self._metrics = metrics
        self._sleep = sleep

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer ``request``; raises the last try's ``ProviderError``."""
        passage = Passage()
        clock = asyncio.get_running_loop().time
        tried, slow_before = 0, False
        while True:
            began = clock()
            try:
                async with aclosing(self._inner.stream(request)) as events:
                    async for event in events:
                        if passage.begun or passage.admits(event):
                            yield event
            except ProviderError as error:
                tried += 1
                slow = error.fault is ProviderFault.TIMEOUT or clock() - began >= LONGEST_PAUSE
                pause = self._pause(error, tried)
                if pause is None or passage.begun or (slow and slow_before):
                    raise
                slow_before = slow_before or slow
                self._note(error, pause)
            else:
                return
            await self._sleep(pause)
            passage.try_again()

    def _pause(self, error: ProviderError, tried: int) -> float | None:
        """Return the seconds to wait before the next try, ``None`` when there is none."""
        if error.fault not in _PASSING or isinstance(error, Preempted) or tried >= self._tries:
            return None
        if error.retry_after is not None:
            return max(0.0, error.retry_after) if error.retry_after <= LONGEST_PAUSE else None
        return self._rng.uniform(0.0, min(LONGEST_PAUSE, self._first_pause * 2 ** (tried - 1)))

    def _note(self, error: ProviderError, pause: float) -> None:
        model = self._inner.info.name
        self._metrics.count("retries", model=model, fault=error.fault.value)
        logger.info(
            "the model is asked again",
            extra={"model": model, "code": error.code, "pause": round(pause, 3)},
        )
