"""Choosing, chaining and reading search engines."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from services.domain.errors import ProviderError, ProviderFault, Refused
from services.lifecycle import Afterwards
from services.search.chain import SearchChain
from services.search.cleaning import Fields, cleaned
from services.search.engines import build_search
from services.search.metasearch import MetaSearch
from services.search.values import SafeSearch
from services.settings import SearchSettings
from tests.fakes.web_search import FakeSearch, result

HOW: Any = {"count": 3, "safe": SafeSearch.STRICT}
FIELDS = Fields(title="t", url="u", snippet="s")


def test_what_is_set_up_is_asked_in_the_order_of_the_settings():
    def names(**settings):
        return build_search(SearchSettings.model_validate(settings), Afterwards()).names

    assert names() == ("ddgs",)
    assert names(base_url="http://127.0.0.1:8888", api_key="k") == ("searxng", "brave", "ddgs")
    assert names(engines=["ddgs", "brave"], api_key="k") == ("ddgs", "brave")
    assert names(engines=[]) == ()


async def test_the_next_engine_helps_out():
    broken = FakeSearch(name="a", fault=ProviderFault.UNREACHABLE)
    empty, good = FakeSearch(name="b"), FakeSearch(result("https://x.example"), name="c")
    chain = SearchChain([broken, empty, good])
    assert [one.url for one in await chain.search("q", **HOW)] == ["https://x.example"]
    assert good.asked == [("q", 3, SafeSearch.STRICT)]
    assert await SearchChain([broken, empty]).search("q", **HOW) == ()
    with pytest.raises(ProviderError):
        await SearchChain([broken, broken]).search("q", **HOW)
    with pytest.raises(Refused, match="switched off"):
        await SearchChain([]).search("q", **HOW)


def test_results_that_make_no_sense_are_left_out_and_texts_are_plain():
    found = [
        {"t": "<b>Bold</b>\n&amp; new\x07", "u": "https://a.example/1", "s": "x" * 1000},
        {"t": "again", "u": "https://a.example/1", "s": ""},
        {"t": None, "u": "http://b.example", "s": 7},
        {"t": "js", "u": "javascript:alert(1)"},
        {"t": "space", "u": "https://c.example/ d"},
        {"t": "markup", "u": "https://c.example/<d>"},
        "text",
        {"u": 5},
        {"t": "more", "u": "https://d.example"},
        {"t": "too many", "u": "https://e.example"},
    ]
    kept = cleaned(found, FIELDS, count=3)
    assert [one.url for one in kept] == [
        "https://a.example/1",
        "http://b.example",
        "https://d.example",
    ]
    assert kept[0].title == "Bold & new"
    assert len(kept[0].snippet) == 400
    assert kept[1].title == "http://b.example"
    for nonsense in (None, 5, "text", {"a": 1}):
        assert cleaned(nonsense, FIELDS, count=3) == []


async def test_the_library_is_asked_in_a_thread_and_translated():
    asked = []

    def ask(query, safe, count):
        asked.append((query, safe, count, threading.current_thread() is threading.main_thread()))
        return [{"title": "T", "href": "https://a.example", "body": "B"}]

    engine = MetaSearch(ask)
    [found] = await engine.search("q", **HOW)
    await engine.close()
    assert (found.title, found.url, found.snippet) == ("T", "https://a.example", "B")
    assert asked == [("q", "on", 3, False)]


async def test_a_library_that_hangs_is_given_up():
    release = threading.Event()
    engine = MetaSearch(lambda *_: [release.wait(30)], seconds=0.2)
    with pytest.raises(ProviderError) as caught:
        await engine.search("q", **HOW)
    assert caught.value.fault is ProviderFault.TIMEOUT
    release.set()
    await engine.close()


@pytest.mark.parametrize(
    ("raised", "fault"),
    [
        ("RatelimitException", ProviderFault.OVERLOADED),
        ("TimeoutException", ProviderFault.TIMEOUT),
        ("DDGSException", ProviderFault.UNREACHABLE),
    ],
)
async def test_the_librarys_errors_are_translated(monkeypatch, raised, fault):
    import ddgs
    from ddgs import exceptions

    error = getattr(exceptions, raised)("oops")

    def text(*_, **__):
        raise error

    monkeypatch.setattr(_real(ddgs), "text", text)
    engine = MetaSearch()
    with pytest.raises(ProviderError) as caught:
        await engine.search("q", **HOW)
    assert caught.value.fault is fault
    error.args = ("No results found.",)
    if raised == "DDGSException":
        assert await engine.search("q", **HOW) == []
    await engine.close()


async def test_a_library_that_breaks_lets_the_next_engine_help_out(monkeypatch):
    import ddgs

    def text(*_, **__):
        raise KeyError("nonsense")

    monkeypatch.setattr(_real(ddgs), "text", text)
    engine = MetaSearch()
    with pytest.raises(ProviderError) as caught:
        await engine.search("q", **HOW)
    assert caught.value.fault is ProviderFault.MALFORMED
    await engine.close()


def _real(ddgs):
    return type(ddgs.DDGS())
