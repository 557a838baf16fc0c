"""What a soak tells of: turns and promises, memory, descriptors, tasks, and the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.results import rss_mb
from tests.fakes.ollama_server import FakeOllama

_TICK = 0.005
_LATE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_MOST_PROBLEMS = 20


@dataclass(kw_only=True)
class Report:
    """What a soak saw; ``problems`` has to be empty."""

    seed: int
    seconds: float
    turns: int = 0
    stored: int = 0
    actions: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    rss_second_quarter_mb: float = 0.0
    rss_end_mb: float = 0.0
    rss_growth_percent: float = 0.0
    fds_before: int = 0
    fds_second_quarter: int = 0
    fds_end: int = 0
    fds_after: int = 0
    fds_left: list[str] = field(default_factory=list)
    tasks_before: int = 0
    tasks_standing: int = 0
    tasks_quiet: int = 0
    tasks_after: int = 0
    leaked: list[str] = field(default_factory=list)
    lag_p99_seconds: float = 0.0
    lag_max_seconds: float = 0.0

    def problem(self, text: str) -> None:
        """Note a broken promise, unless there are plenty."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(text)


class Watch:
    """Samples of memory and descriptors, and how late the loop was; of bounded size."""

    def __init__(self) -> None:
        self.rss: list[float] = []
        self.fds: list[int] = []
        self.latest = 0.0
        self._late = [0] * (len(_LATE) + 1)

    async def lag(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK
            await asyncio.sleep(_TICK)
            late = max(0.0, loop.time() - due)
            self.latest = max(self.latest, late)
            self._late[sum(late > bound for bound in _LATE)] += 1

    async def samples(self, server: FakeOllama) -> None:
        """Sample every second until cancelled, and keep the fake from growing."""
        while True:
            self.rss.append(rss_mb())
            self.fds.append(open_files())
            server.requests.clear()
            server.disconnects.clear()
            server.peers.clear()
            await asyncio.sleep(1.0)

    def p99(self) -> float:
        """Return the bound that 99 of 100 ticks kept; the worst beyond the last bound."""
        wanted, seen = 0.99 * sum(self._late), 0
        for bound, count in zip(_LATE, self._late, strict=False):
            seen += count
            if seen >= wanted:
                return bound
        return self.latest

    def tell(self, report: Report) -> None:
        count = len(self.rss)
        report.rss_mb = [round(value, 1) for value in self.rss[:: max(1, count // 40)]]
        second = slice(count // 4, max(count // 4 + 1, count // 2))
        last = slice(count - max(1, count // 10), count)
        report.rss_second_quarter_mb = _middle(self.rss[second])
        report.rss_end_mb = _middle(self.rss[last])
        report.rss_growth_percent = (report.rss_end_mb / report.rss_second_quarter_mb - 1.0) * 100
        report.fds_second_quarter = max(self.fds[second])
        report.fds_end = max(self.fds[last])
        report.lag_p99_seconds = self.p99()
        report.lag_max_seconds = self.latest


def own_tasks() -> set[asyncio.Task[object]]:
    """All tasks but those of the fake server, one for each connection kept open to it."""
    return {
        task for task in asyncio.all_tasks() if "RequestHandler.start" not in str(task.get_coro())
    }


def waits_in(task: asyncio.Task[object]) -> str:
    """Name the coroutines a task is in, outermost first."""
    names: list[str] = []
    waiting: object = task.get_coro()
    while waiting is not None and len(names) < 20:
        names.append(getattr(waiting, "__qualname__", type(waiting).__name__))
        awaited = getattr(waiting, "cr_await", None)
        waiting = awaited if awaited is not None else getattr(waiting, "ag_await", None)
    return " > ".join(names)


def open_files() -> int:
    """How many file descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def named_files() -> list[str]:
    """What the file descriptors of this process stand for."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that listed them
            found.append(str(link.readlink()))
    return sorted(found)


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
