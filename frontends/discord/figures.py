"""The numbers of the process, as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.observability.metrics import (
    CounterFamily,
    Distribution,
    GaugeFamily,
    HistogramFamily,
    Metrics,
)

_MOST_OUTCOMES = 6


def figure_blocks(metrics: Metrics) -> list[str]:
    """Return the numbers since the start of the process, a block per concern.

    They are about no person and no place; metrics carry no such labels.
    """
    numbers = _Numbers(metrics)
    return [
        f"**Answers** {numbers.by('turns', 'outcome')}",
        f"**Left unanswered** {numbers.by('suppressed', 'reason')}",
        f"**Model calls** {numbers.by('llm_requests', 'outcome')}",
        f"**First token** {numbers.seconds('llm_first_token_seconds')}",
        f"**Whole answer** {numbers.seconds('llm_request_seconds')}",
        f"**Waiting for the model** {numbers.seconds('llm_queue_wait_seconds')}",
        f"**Tokens** {numbers.total('llm_prompt_tokens'):,} read "
        f"({numbers.total('llm_cached_prompt_tokens'):,} of them cached), "
        f"{numbers.total('llm_completion_tokens'):,} written",
        f"**Further tries** {numbers.total('retries')} · "
        f"**other models** {numbers.total('fallbacks')} · "
        f"**set aside** {numbers.total('breaker_opened')}",
        f"**Memory** {numbers.gauge('memory_index_rows'):,.0f} items, "
        f"{numbers.gauge('memory_index_pending'):,.0f} without a vector yet, "
        f"{numbers.total('memory_learnt'):,} facts learnt",
        f"**Event loop** at worst {1000 * numbers.gauge('event_loop_lag_worst_seconds'):.0f} ms "
        "late in the last minute",
    ]


def queue_line(metrics: Metrics) -> str:
    """Return how long calls wait for the model."""
    return _Numbers(metrics).seconds("llm_queue_wait_seconds")


def memory_line(metrics: Metrics) -> str:
    """Return how much can be recalled."""
    numbers = _Numbers(metrics)
    line = f"{numbers.gauge('memory_index_rows'):,.0f} items can be recalled"
    pending = numbers.gauge("memory_index_pending")
    return f"{line}, {pending:,.0f} more by their words alone" if pending else line


def quantile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of sorted ``values``, which are not empty."""
    return values[min(len(values) - 1, int(share * len(values)))]


class _Numbers:
    """Sums over the labels of metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._families = {family.name: family for family in metrics.exported()}

    def total(self, name: str) -> int:
        return self._metrics.total(name)

    def gauge(self, name: str) -> float:
        family = self._families.get(name)
        return sum(family.values.values()) if isinstance(family, GaugeFamily) else 0.0

    def by(self, name: str, label: str) -> str:
        family = self._families.get(name)
        if not isinstance(family, CounterFamily):
            return "none"
        counts: dict[str, int] = {}
        for labels, count in family.values.items():
            kind = dict(labels).get(label, "")
            counts[kind] = counts.get(kind, 0) + count
        ranked = sorted(counts.items(), key=lambda one: -one[1])[:_MOST_OUTCOMES]
        return f"{sum(counts.values()):,} ({', '.join(f'{n:,} {kind}' for kind, n in ranked)})"

    def seconds(self, name: str) -> str:
        family = self._families.get(name)
        values: Mapping[tuple[tuple[str, str], ...], Distribution] = {}
        if isinstance(family, HistogramFamily):
            values = family.values
        latest = sorted(
            one for labels in values for one in self._metrics.timed(name, **dict(labels))
        )
        if not latest:
            return "not measured yet"
        return (
            f"half within {quantile(latest, 0.5):.1f} s, 95 % within {quantile(latest, 0.95):.1f} s"
        )
