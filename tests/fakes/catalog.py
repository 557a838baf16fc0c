"""A catalog of models as the program composes it, and addresses that lead nowhere."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from services.domain.clock import Clock, SystemClock
from services.llm.breaker import Breakers
from services.llm.catalog import ModelCatalog
from services.llm.tokens import CalibratedTokens, EstimatedTokens
from services.llm.wrapping import Wrapping
from services.observability.metrics import Metrics
from services.settings import EmbeddedSettings, HostedSettings, LlmSettings


class Notices(list[str]):
    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def take(self, code: str, sentence: str) -> None:
        assert code
        self.append(sentence)
        self._more.set()

    async def reached(self, count: int) -> None:
        """Wait for that many."""
        async with asyncio.timeout(5):
            while len(self) < count:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def catalog(
    data: Path,
    *,
    notices: Notices | None = None,
    hosted: Mapping[str, HostedSettings] | None = None,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    **settings,
) -> AsyncGenerator[ModelCatalog, None]:
    llm = LlmSettings(**({"retries": 0} | settings))
    clock, metrics = clock or SystemClock(), metrics or Metrics()
    tokens = CalibratedTokens(EstimatedTokens())
    take = (notices if notices is not None else Notices()).take
    breakers = Breakers(
        failures=llm.breaker_failures, seconds=llm.breaker_seconds, clock=clock, metrics=metrics
    )
    models = ModelCatalog(
        llm,
        EmbeddedSettings(model="no-such-model"),
        hosted=hosted,
        data=data,
        clock=clock,
        tokens=tokens,
        wrapping=Wrapping(
            llm,
            breakers=breakers,
            metrics=metrics,
            clock=clock,
            rng=random.Random(1),
            tokens=tokens,
            on_notice=take,
        ),
        metrics=metrics,
        on_notice=take,
    )
    async with models:
        yield models


@contextmanager
def refused() -> Iterator[str]:
    """An address on this machine where nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])
