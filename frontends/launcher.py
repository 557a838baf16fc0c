"""Runs the enabled frontends side by side until they are done or told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from frontends.console.invocation import ChatOptions

if TYPE_CHECKING:
    from services.factory import ServiceFactory
    from services.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend:
    """One way in; ``run`` returns its exit code when it has nothing more to do."""

    name: str
    enabled: bool
    run: Callable[[ServiceFactory], Awaitable[int]]


def frontends(settings: Settings, *, chat: ChatOptions) -> Sequence[Frontend]:
    """Return every frontend there is."""
    from frontends.console.app import run_console  # noqa: PLC0415

    return (
        Frontend(
            name="console",
            enabled=True,
            run=partial(run_console, settings=settings, options=chat),
        ),
    )


async def launch(settings: Settings, *, chat: ChatOptions, only: str | None = None) -> int:
    """Open the services, run the frontends, close in reverse; return the highest exit code.

    SIGTERM, or the terminal being closed, stops intake, ends running answers keeping what was
    shown, closes, and gives 0.
    """
    wanted = [
        frontend
        for frontend in frontends(settings, chat=chat)
        if frontend.enabled and only in (None, frontend.name)
    ]
    with _cancelled_by(signal.SIGTERM, signal.SIGHUP) as stopping:
        try:
            return await _run(settings, wanted)
        except asyncio.CancelledError:
            if not stopping.is_set():
                raise
            return 0


async def _run(settings: Settings, wanted: Sequence[Frontend]) -> int:
    from services.factory import opened_services  # noqa: PLC0415

    codes: list[int] = []

    async def run(frontend: Frontend, services: ServiceFactory) -> None:
        codes.append(await frontend.run(services))

    async with opened_services(settings) as services, asyncio.TaskGroup() as group:
        for frontend in wanted:
            group.create_task(run(frontend, services), name=frontend.name)
    return max(codes, default=0)


@contextmanager
def _cancelled_by(*signals: signal.Signals) -> Iterator[asyncio.Event]:
    """Cancel the surrounding task at the first of ``signals``; later ones change nothing.

    A signal that the process was started to ignore, as under nohup, stays ignored.
    """
    heeded = [number for number in signals if signal.getsignal(number) != signal.SIG_IGN]
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    stopping = asyncio.Event()

    def stop() -> None:
        if task is not None and not stopping.is_set():
            stopping.set()
            task.cancel()

    for number in heeded:
        loop.add_signal_handler(number, stop)
    try:
        yield stopping
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)
