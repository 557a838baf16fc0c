"""Counters and timings, kept in memory and cheap enough for every turn."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

_SAMPLES = 512

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counts by name and labels, and the last 512 timings of each.

    Labels come from small closed sets; an id of a user or a channel is never a label.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Labels]] = Counter()
        self._timings: dict[tuple[str, Labels], deque[float]] = {}

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add ``amount`` to a counter."""
        self._counts[name, tuple(sorted(labels.items()))] += amount

    def time(self, name: str, seconds: float, **labels: str) -> None:
        """Record one duration in seconds."""
        key = name, tuple(sorted(labels.items()))
        if key not in self._timings:
            self._timings[key] = deque(maxlen=_SAMPLES)
        self._timings[key].append(seconds)

    def counted(self, name: str, **labels: str) -> int:
        """Return a counter's value."""
        return self._counts[name, tuple(sorted(labels.items()))]

    def timed(self, name: str, **labels: str) -> list[float]:
        """Return the kept durations in seconds, oldest first."""
        return list(self._timings.get((name, tuple(sorted(labels.items()))), ()))

    def snapshot(self) -> Mapping[str, int]:
        """Return every counter as ``name{label=value}``."""
        return {
            name
            + (f"{{{','.join(f'{key}={value}' for key, value in labels)}}}" if labels else ""): n
            for (name, labels), n in sorted(self._counts.items())
        }
