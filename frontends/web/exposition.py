"""Metrics in the text format that Prometheus reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.observability.catalogue import METRICS
from services.observability.metrics import (
    BUCKETS,
    CounterFamily,
    Distribution,
    Family,
    HistogramFamily,
    Labels,
    Metrics,
)

_PREFIX = "acore_"


class _Families(Collector):
    """Families as they stood at one moment."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            spec = METRICS.get(family.name)
            name, meaning = _PREFIX + family.name, spec.meaning if spec else family.name
            if isinstance(family, HistogramFamily):
                metric = Metric(name, meaning, "histogram")
                for labels, distribution in family.values.items():
                    _add_distribution(metric, labels, distribution)
            else:
                counter = isinstance(family, CounterFamily)
                metric = Metric(name, meaning, "counter" if counter else "gauge")
                sample = f"{name}_total" if counter else name
                for labels, value in family.values.items():
                    metric.add_sample(sample, dict(labels), value)
            yield metric


def _add_distribution(metric: Metric, labels: Labels, distribution: Distribution) -> None:
    bounds = [*map(str, BUCKETS), "+Inf"]
    counts = [*distribution.cumulative, distribution.count]
    for bound, count in zip(bounds, counts, strict=True):
        metric.add_sample(f"{metric.name}_bucket", {**dict(labels), "le": bound}, count)
    metric.add_sample(f"{metric.name}_count", dict(labels), distribution.count)
    metric.add_sample(f"{metric.name}_sum", dict(labels), distribution.seconds)


async def exposed(metrics: Metrics) -> bytes:
    """Return every metric as text; long ones are written beside the event loop."""
    return await asyncio.to_thread(_written, list(metrics.exported()))


def _written(families: Sequence[Family]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return generate_latest(registry)
