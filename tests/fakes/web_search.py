"""A search engine that finds what a test says, and a model source around a scripted model."""

from __future__ import annotations

from collections.abc import Sequence

from services.domain.errors import ProviderError, ProviderFault
from services.search.values import SafeSearch, SearchResult


class FakeSearch:
    """Finds ``results``; with ``fault`` it fails."""

    def __init__(
        self,
        *results: SearchResult,
        name: str = "fake",
        fault: ProviderFault | None = None,
    ) -> None:
        self.results = results
        self.name = name
        self.fault = fault
        self.asked: list[tuple[str, int, SafeSearch]] = []

    async def search(self, query: str, *, count: int, safe: SafeSearch) -> Sequence[SearchResult]:
        self.asked.append((query, count, safe))
        if self.fault is not None:
            raise ProviderError(self.name, self.fault, f"{self.name} does not work.")
        return self.results[:count]


def result(url: str, title: str = "A title", snippet: str = "A snippet.") -> SearchResult:
    return SearchResult(title=title, url=url, snippet=snippet)
