"""Several search engines, of which the next one helps out."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from services.domain.errors import ProviderError, Refused
from services.search.values import SafeSearch, SearchResult, WebSearch

logger = logging.getLogger(__name__)


class SearchChain:
    """Asks its engines in order until one of them finds something."""

    name = "chain"

    def __init__(self, engines: Sequence[WebSearch]) -> None:
        self._engines = tuple(engines)

    @property
    def names(self) -> tuple[str, ...]:
        """The engines, in the order they are asked."""
        return tuple(engine.name for engine in self._engines)

    async def search(self, query: str, *, count: int, safe: SafeSearch) -> Sequence[SearchResult]:
        """Return what the first engine finds that finds anything, nothing if none does.

        Raises ``Refused`` without engines and the last ``ProviderError`` when all of them failed.
        """
        if not self._engines:
            raise Refused("search_off", "Searching the web is switched off here.")
        failure: ProviderError | None = None
        answered = False
        for engine in self._engines:
            try:
                found = await engine.search(query, count=count, safe=safe)
            except ProviderError as error:
                logger.info(
                    "a search engine failed", extra={"engine": engine.name, "code": error.code}
                )
                failure = error
                continue
            if found:
                return found
            answered = True
        if failure is not None and not answered:
            raise failure
        return ()
