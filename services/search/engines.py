"""Which search engines the settings choose."""

from __future__ import annotations

from collections.abc import Callable

from services.lifecycle import Afterwards
from services.net.configured import ConfiguredServer
from services.search.chain import SearchChain
from services.search.metasearch import MetaSearch
from services.search.servers import BraveSearch, SearxngSearch
from services.search.values import WebSearch
from services.settings import SearchSettings

_BRAVE = "https://api.search.brave.com"


def build_search(settings: SearchSettings, afterwards: Afterwards) -> SearchChain:
    """Return the engines of ``settings`` in their order; those that are not set up are left out."""
    makers: dict[str, Callable[[], WebSearch | None]] = {
        "searxng": lambda: _searxng(settings),
        "brave": lambda: _brave(settings),
        "ddgs": lambda: _metasearch(afterwards),
    }
    engines = (makers[name]() for name in dict.fromkeys(settings.engines))
    return SearchChain([engine for engine in engines if engine is not None])


def _searxng(settings: SearchSettings) -> WebSearch | None:
    if not settings.base_url:
        return None
    return SearxngSearch(ConfiguredServer("The SearXNG server", settings.base_url))


def _brave(settings: SearchSettings) -> WebSearch | None:
    if settings.api_key is None:
        return None
    key = {"X-Subscription-Token": settings.api_key.get_secret_value()}
    return BraveSearch(ConfiguredServer("Brave Search", _BRAVE, headers=key))


def _metasearch(afterwards: Afterwards) -> WebSearch:
    engine = MetaSearch()
    afterwards.add(engine.close)
    return engine
