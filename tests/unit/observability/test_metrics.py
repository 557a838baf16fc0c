"""What is counted, and that labels stay few and impersonal."""

from __future__ import annotations

import time

import pytest

from services.observability.metrics import (
    BUCKETS,
    MOST_COMBINATIONS,
    CounterFamily,
    GaugeFamily,
    HistogramFamily,
    Metrics,
    PersonalLabelError,
)


def test_counters_gauges_and_timings_are_kept_by_name_and_labels():
    metrics = Metrics()
    metrics.count("turns", outcome="finished")
    metrics.count("turns", 2, outcome="failed")
    metrics.gauge("lag", 1.5)
    metrics.gauge("lag", 0.5)
    metrics.time("wait_seconds", 0.2, b="2", a="1")
    metrics.time("wait_seconds", 0.3, a="1", b="2")
    assert metrics.counted("turns", outcome="failed") == 2
    assert metrics.counted("turns", outcome="unheard of") == 0
    assert metrics.total("turns") == 3
    assert metrics.gauged("lag") == 0.5
    assert metrics.gauged("unheard_of") is None
    assert metrics.timed("wait_seconds", b="2", a="1") == [0.2, 0.3]
    assert metrics.timed("unheard_of") == []
    assert metrics.snapshot() == {"turns{outcome=failed}": 2, "turns{outcome=finished}": 1}


def test_asking_for_what_was_never_counted_creates_nothing():
    metrics = Metrics()
    metrics.counted("a")
    metrics.timed("b")
    metrics.gauged("c")
    assert not list(metrics.exported())


def test_histogram_is_cumulative_and_outlives_the_kept_samples():
    metrics = Metrics()
    for _ in range(1000):
        metrics.time("wait_seconds", 0.001)  # a bound belongs to its own bucket
    metrics.time("wait_seconds", 5000.0)
    (family,) = metrics.exported()
    assert isinstance(family, HistogramFamily)
    (found,) = family.values.values()
    assert (found.count, round(found.seconds)) == (1001, 5001)
    assert list(found.cumulative) == [1000] * len(BUCKETS)
    assert len(metrics.timed("wait_seconds")) == 512


def test_exported_families_are_a_picture_of_the_moment():
    metrics = Metrics()
    metrics.count("turns")
    metrics.gauge("lag", 1.0)
    counter, gauge = metrics.exported()
    metrics.count("turns")
    metrics.gauge("lag", 2.0)
    assert counter == CounterFamily(name="turns", values={(): 1})
    assert gauge == GaugeFamily(name="lag", values={(): 1.0})


def test_too_many_label_values_are_folded_and_nothing_is_lost():
    metrics = Metrics()
    for number in range(MOST_COMBINATIONS * 3):
        metrics.count("requests", model=f"m{number}", outcome="ok")
        metrics.gauge("level", number, model=f"m{number}")
        metrics.time("took_seconds", 0.1, model=f"m{number}")
    assert metrics.total("requests") == MOST_COMBINATIONS * 3
    assert metrics.counted("requests", model="other", outcome="other") == MOST_COMBINATIONS * 2
    metrics.count("requests", model="m0", outcome="ok")
    assert metrics.counted("requests", model="m0", outcome="ok") == 2
    for family in metrics.exported():
        assert len(family.values) == MOST_COMBINATIONS + 1


@pytest.mark.parametrize("label", ["user", "conversation", "channel", "guild", "message", "tenant"])
def test_who_and_where_is_never_a_label(label: str):
    metrics = Metrics()
    for record in (metrics.count, metrics.gauge, metrics.time):
        with pytest.raises(PersonalLabelError):
            record("turns", 1, **{label: "100000000000000001"})
    assert not list(metrics.exported())


def test_a_call_stays_cheap():
    metrics = Metrics()

    def best(calls: int = 2000) -> float:
        began = time.perf_counter()
        for _ in range(calls):
            metrics.count("requests", model="a", outcome="ok")
            metrics.time("took_seconds", 0.2, model="a", priority="conversation")
        return (time.perf_counter() - began) / calls / 2

    assert min(best() for _ in range(10)) < 8e-6  # about 1 µs; the machine may be busy
