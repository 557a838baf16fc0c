"""Every metric the code records is in the catalogue, and the catalogue is in the documentation."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from services.observability.catalogue import METRICS, MetricSpec, table
from services.observability.metrics import BUCKETS, Metrics
from tests.architecture.source_tree import ROOT, parsed, product_files

_KINDS = {"count": "counter", "gauge": "gauge", "time": "histogram"}
_VALUES = ("amount", "value", "seconds")
PAGE = ROOT / "docs" / "monitoring.md"


@dataclass(frozen=True)
class Recording:
    """A place in the code that records a metric; ``None`` where the code does not say."""

    place: str
    kind: str
    name: str | None
    labels: frozenset[str] | None


def recordings(tree: ast.AST, place: str) -> Iterator[Recording]:
    """Yield every call such as ``self._metrics.count("name", label=...)``."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        receiver = ast.unparse(node.func.value).rpartition(".")[2]
        if node.func.attr in _KINDS and receiver.strip("_") == "metrics":
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            yield Recording(
                f"{place}:{node.lineno}",
                _KINDS[node.func.attr],
                name if isinstance(name, str) else None,
                _labels(node),
            )


def _labels(call: ast.Call) -> frozenset[str] | None:
    found: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is not None:
            found.add(keyword.arg)
        elif isinstance(keyword.value, ast.Dict):
            found.update(ast.literal_eval(key) for key in keyword.value.keys if key is not None)
        else:
            return None
    return frozenset(found.difference(_VALUES))


def problems(found: Recording, catalogue: Mapping[str, MetricSpec]) -> Iterator[str]:
    """Yield what the catalogue does not know of a recording."""
    if found.name is None or found.labels is None:
        yield f"{found.place}: name and labels of a metric are written out"
    elif found.name not in catalogue:
        yield f"{found.place}: {found.name} is not in services/observability/catalogue.py"
    elif (spec := catalogue[found.name]).kind != found.kind or set(spec.labels) != found.labels:
        yield f"{found.place}: {found.name} is a {spec.kind} with labels {spec.labels}"


def _all_recordings() -> list[Recording]:
    return [
        found
        for path in product_files()
        for found in recordings(parsed(path), str(path.relative_to(ROOT)))
    ]


def test_every_recorded_metric_is_in_the_catalogue_as_it_is_recorded():
    found = [line for each in _all_recordings() for line in problems(each, METRICS)]
    assert not found, "\n".join(found)


def test_nothing_is_in_the_catalogue_that_nobody_records():
    assert set(METRICS) == {each.name for each in _all_recordings()}


def test_the_page_has_every_metric_and_bucket():
    page = PAGE.read_text()
    assert table() in page, "copy services.observability.catalogue.table() into docs/monitoring.md"
    assert ", ".join(f"{bound:g}" for bound in BUCKETS) in page


def test_names_units_and_labels_follow_the_rules():
    metrics = Metrics()
    for name, spec in METRICS.items():
        assert (spec.kind == "histogram") <= (spec.unit == "seconds"), name
        assert name.endswith("_seconds") == (spec.unit == "seconds"), name
        assert not name.endswith("_total"), name
        metrics.count(name, 1, **dict.fromkeys(spec.labels, "x"))  # refuses personal labels


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('metrics.count("unheard_of")', "unheard_of is not in"),
        ('self._metrics.count("turns")', "with labels"),
        ('self._metrics.gauge("turns", 1.0, outcome="x")', "is a counter"),
        ('company.metrics.count("turns", 2, outcome="x", user="sam")', "with labels"),
        ("metrics.time(name, 1.0)", "written out"),
        ('metrics.count("turns", **labels)', "written out"),
    ],
)
def test_a_planted_metric_is_found(code: str, found: str):
    (recording,) = recordings(ast.parse(code), "planted")
    (problem,) = problems(recording, METRICS)
    assert found in problem


def test_strings_and_lists_that_count_are_no_metrics():
    assert not list(recordings(ast.parse("'a'.count('b'); words.count(1); time.time()"), "x"))
