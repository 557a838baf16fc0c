"""Counters, gauges and timings, kept in memory and cheap enough for every turn."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

logger = logging.getLogger(__name__)

Labels = tuple[tuple[str, str], ...]
V = TypeVar("V")

BUCKETS = (
    *(0.001, 0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0),
)
"""Upper bounds of every histogram in seconds, from a database wait to a model's slow answer."""
MOST_COMBINATIONS = 200
"""Label combinations kept apart per name; what comes later is counted under ``other``."""
OTHER = "other"

_SAMPLES = 512
_PERSONAL = frozenset(
    {
        *("account", "author", "member", "person", "user", "user_id", "username"),
        *("channel", "conversation", "guild", "place", "room", "session", "tenant"),
        *("message", "text", "turn"),
    }
)


class PersonalLabelError(ValueError):
    """A metric was labelled with a person, a place or what was said there."""

    def __init__(self, name: str, labels: Iterable[str]) -> None:
        super().__init__(f"{name}: {', '.join(sorted(labels))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterFamily:
    """A counter's values since the start of the process."""

    name: str
    values: Mapping[Labels, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeFamily:
    """A gauge's values now."""

    name: str
    values: Mapping[Labels, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Durations since the start of the process; ``cumulative[n]`` took up to ``BUCKETS[n]``."""

    count: int
    seconds: float
    cumulative: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramFamily:
    """Durations by label."""

    name: str
    values: Mapping[Labels, Distribution]


Family = CounterFamily | GaugeFamily | HistogramFamily


class _Timings:
    """Durations of one name and label combination."""

    __slots__ = ("counts", "latest", "seconds")

    def __init__(self) -> None:
        self.latest: deque[float] = deque(maxlen=_SAMPLES)
        self.counts = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.latest.append(seconds)
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def distribution(self) -> Distribution:
        *cumulative, count = accumulate(self.counts)
        return Distribution(count=count, seconds=self.seconds, cumulative=tuple(cumulative))


class Metrics:
    """Counts, gauges and timings by name and labels; for the event loop's thread alone.

    Labels come from small closed sets: their names may not stand for a person, a place or what was
    said (``PersonalLabelError``), and beyond ``MOST_COMBINATIONS`` per name every new combination
    is folded into one whose values are all ``other``. Of timings the last 512 are kept beside the
    histogram. A call takes about a microsecond.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[Labels, int]] = {}
        self._gauges: dict[str, dict[Labels, float]] = {}
        self._timings: dict[str, dict[Labels, _Timings]] = {}

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add ``amount`` to a counter."""
        key = _key(labels)
        try:
            self._counts[name][key] += amount
        except KeyError:
            kept, key = _admitted(self._counts, name, key)
            kept[key] = kept.get(key, 0) + amount

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge to ``value``."""
        key = _key(labels)
        kept = self._gauges.get(name)
        if kept is None or key not in kept:
            kept, key = _admitted(self._gauges, name, key)
        kept[key] = value

    def time(self, name: str, seconds: float, **labels: str) -> None:
        """Record one duration in seconds; ``name`` ends with ``_seconds``."""
        key = _key(labels)
        try:
            self._timings[name][key].add(seconds)
        except KeyError:
            kept, key = _admitted(self._timings, name, key)
            kept.setdefault(key, _Timings()).add(seconds)

    def counted(self, name: str, **labels: str) -> int:
        """Return a counter's value."""
        return self._counts.get(name, {}).get(_key(labels), 0)

    def gauged(self, name: str, **labels: str) -> float | None:
        """Return a gauge's value; ``None`` before it was set."""
        return self._gauges.get(name, {}).get(_key(labels))

    def timed(self, name: str, **labels: str) -> list[float]:
        """Return the kept durations in seconds, oldest first."""
        timings = self._timings.get(name, {}).get(_key(labels))
        return list(timings.latest) if timings else []

    def snapshot(self) -> Mapping[str, int]:
        """Return every counter as ``name{label=value}``."""
        return {
            name + (f"{{{','.join(f'{key}={value}' for key, value in key)}}}" if key else ""): n
            for name, kept in sorted(self._counts.items())
            for key, n in sorted(kept.items())
        }

    def total(self, name: str) -> int:
        """Return the sum of a counter over all its labels."""
        return sum(self._counts.get(name, {}).values())

    def exported(self) -> Iterator[Family]:
        """Yield everything, by kind and name, as it stands now."""
        for name, counts in sorted(self._counts.items()):
            yield CounterFamily(name=name, values=dict(counts))
        for name, gauges in sorted(self._gauges.items()):
            yield GaugeFamily(name=name, values=dict(gauges))
        for name, timings in sorted(self._timings.items()):
            values = {key: each.distribution() for key, each in timings.items()}
            yield HistogramFamily(name=name, values=values)


def _key(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items())) if len(labels) > 1 else tuple(labels.items())


def _admitted(
    families: dict[str, dict[Labels, V]], name: str, key: Labels
) -> tuple[dict[Labels, V], Labels]:
    """Return where a combination not met before is kept, and under which labels."""
    personal = _PERSONAL.intersection(label for label, _ in key)
    if personal:
        raise PersonalLabelError(name, personal)
    kept = families.setdefault(name, {})
    if len(kept) < MOST_COMBINATIONS or not key:
        return kept, key
    folded = tuple((label, OTHER) for label, _ in key)
    if folded not in kept:
        logger.warning("a metric has too many labels; new ones are folded", extra={"metric": name})
    return kept, folded
