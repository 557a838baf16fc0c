"""Answers that cite only what was read and lead nowhere else."""

from __future__ import annotations

import pytest

from services.search.citing import held_to_sources
from services.search.values import Source

SOURCES = [
    Source(number=1, title="One", url="https://one.example/a"),
    Source(number=2, title="Two", url="https://two.example/"),
]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("It is tall [1].", "It is tall [1]."),
        ("It is tall [7].", "It is tall."),
        ("It is tall [1, 9, 2].", "It is tall [1][2]."),
        ("It is tall【2†L1】.", "It is tall[2]."),
        ("It is tall [1](https://evil.example/?q=secret).", "It is tall [1]."),
        ("![x](https://evil.example/?q=secret) Hi [2]", "x Hi [2]"),
        ("See https://evil.example/login, now [1].", "See (link removed), now [1]."),
        ("See https://one.example/a. [1]", "See https://one.example/a. [1]"),
        ("See www.evil.example [1]", "See (link removed) [1]"),
        ("In [2024] it was [0] so.", "In [2024] it was so."),
    ],
)
def test_only_real_sources_are_cited_and_linked(said, text):
    assert held_to_sources(said, SOURCES).text == text


def test_the_sources_are_those_cited_and_all_when_none_is():
    assert held_to_sources("So [2].", SOURCES).sources == (SOURCES[1],)
    uncited = held_to_sources("So it is [5].", SOURCES)
    assert uncited.sources == tuple(SOURCES)
    assert not uncited.cites
