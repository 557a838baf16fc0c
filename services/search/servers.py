"""Search engines with an HTTP interface: SearXNG and Brave."""

from __future__ import annotations

from collections.abc import Sequence

from services.domain.errors import ProviderError, ProviderFault
from services.net.configured import ConfiguredServer
from services.search.cleaning import Fields, cleaned
from services.search.values import SafeSearch, SearchResult

_SEARXNG = Fields(title="title", url="url", snippet="content")
_BRAVE = Fields(title="title", url="url", snippet="description")
_SEARXNG_SAFE = {SafeSearch.OFF: "0", SafeSearch.MODERATE: "1", SafeSearch.STRICT: "2"}
_MOST_OF_BRAVE = 20
_CHARACTERS_OF_BRAVE = 400
_WORDS_OF_BRAVE = 50


class SearxngSearch:
    """A SearXNG server that offers JSON (docs.searxng.org/dev/search_api.html)."""

    name = "searxng"

    def __init__(self, server: ConfiguredServer) -> None:
        self._server = server

    async def search(self, query: str, *, count: int, safe: SafeSearch) -> Sequence[SearchResult]:
        """Return the results of its first page; raises ``ProviderError``."""
        wanted = {"q": query, "format": "json", "safesearch": _SEARXNG_SAFE[safe]}
        try:
            answer = await self._server.get_json("search", wanted)
        except ProviderError as error:
            if error.fault is not ProviderFault.UNAUTHORIZED:
                raise
            raise ProviderError(
                error.provider,
                error.fault,
                "The SearXNG server does not offer JSON; its owner has to add json to "
                "search.formats in its settings.",
                detail=error.detail,
            ) from error
        if not isinstance(answer, dict):
            raise self._server.malformed()
        return cleaned(answer.get("results"), _SEARXNG, count=count)


class BraveSearch:
    """Brave's search API; ``server`` sends the key as ``X-Subscription-Token``."""

    name = "brave"

    def __init__(self, server: ConfiguredServer) -> None:
        self._server = server

    async def search(self, query: str, *, count: int, safe: SafeSearch) -> Sequence[SearchResult]:
        """Return up to twenty results; raises ``ProviderError``."""
        short = " ".join(query.split()[:_WORDS_OF_BRAVE])[:_CHARACTERS_OF_BRAVE]
        wanted = {
            "q": short,
            "count": str(min(count, _MOST_OF_BRAVE)),
            "safesearch": safe.value,
            "result_filter": "web",
        }
        answer = await self._server.get_json("res/v1/web/search", wanted)
        web = answer.get("web") if isinstance(answer, dict) else None
        if web is not None and not isinstance(web, dict):
            raise self._server.malformed()
        return cleaned((web or {}).get("results"), _BRAVE, count=count)
