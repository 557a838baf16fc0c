"""Metrics in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.observability.catalogue import METRICS
from services.observability.metrics import (
    BUCKETS,
    CounterFamily,
    Distribution,
    HistogramFamily,
    Labels,
    Metrics,
)

_PREFIX = "acore_"


class _MetricsCollector(Collector):
    """Reads ``Metrics`` whenever it is asked."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        for family in self._metrics.exported():
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


class Exposition:
    """Every metric as text."""

    def __init__(self, metrics: Metrics) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_MetricsCollector(metrics))

    def text(self) -> bytes:
        """Return the metrics as they stand now."""
        return generate_latest(self._registry)
