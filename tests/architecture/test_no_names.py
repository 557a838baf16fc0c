"""Modules are named for what they hold."""

from __future__ import annotations

from tests.architecture.source_tree import ROOT, product_files

_EMPTY_NAMES = frozenset(
    {"base", "common", "handler", "handlers", "helper", "helpers"}
    | {"manager", "misc", "util", "utils"}
)


def test_no_module_has_a_name_that_says_nothing():
    found = [
        path.relative_to(ROOT)
        for path in product_files()
        if _EMPTY_NAMES.intersection(path.relative_to(ROOT).with_suffix("").parts)
    ]
    assert not found
