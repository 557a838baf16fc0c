"""Searching without a server or key, through the library ``ddgs``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from services.domain.errors import ProviderError, ProviderFault
from services.search.cleaning import Fields, cleaned
from services.search.values import SafeSearch, SearchResult

Ask: TypeAlias = Callable[[str, str, int], Sequence[Any]]
"""Searches for a query, with a word for safe search and a count; blocks."""

_FIELDS = Fields(title="title", url="href", snippet="body")
_SAFE = {SafeSearch.OFF: "off", SafeSearch.MODERATE: "moderate", SafeSearch.STRICT: "on"}
_SECONDS = 15.0
_SECONDS_PER_ENGINE = 5
_THREADS = 2
_NAME = "The web search"


class MetaSearch:
    """Asks public search engines in a thread; one that takes longer than ``seconds`` has failed.

    Two searches run at a time, those given up included.
    """

    name = "ddgs"

    def __init__(self, ask: Ask | None = None, *, seconds: float = _SECONDS) -> None:
        self._ask = ask or _ask
        self._seconds = seconds
        self._threads: ThreadPoolExecutor | None = None

    async def search(self, query: str, *, count: int, safe: SafeSearch) -> Sequence[SearchResult]:
        """Return what the engines find; raises ``ProviderError``."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="web-search")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                found = await loop.run_in_executor(
                    self._threads, self._ask, query, _SAFE[safe], count
                )
        except TimeoutError as error:
            raise _failed(ProviderFault.TIMEOUT, "did not answer in time") from error
        return cleaned(found, _FIELDS, count=count)

    async def close(self) -> None:
        """Begin nothing more; searches that run end by themselves."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


def _ask(query: str, safe: str, count: int) -> Sequence[Any]:
    from ddgs import DDGS  # noqa: PLC0415  a third of a second that only searching needs
    from ddgs.exceptions import (  # noqa: PLC0415  belongs to it
        DDGSException,
        RatelimitException,
        TimeoutException,
    )

    try:
        return DDGS(timeout=_SECONDS_PER_ENGINE).text(query, safesearch=safe, max_results=count)
    except RatelimitException as error:
        raise _failed(ProviderFault.OVERLOADED, "asks for a pause") from error
    except TimeoutException as error:
        raise _failed(ProviderFault.TIMEOUT, "did not answer in time") from error
    except DDGSException as error:
        if "No results" in str(error):
            return []
        raise _failed(ProviderFault.UNREACHABLE, "cannot be reached") from error
    except Exception as error:  # pages of engines that change break the library in any way
        raise _failed(ProviderFault.MALFORMED, "answered in a way acore cannot read") from error


def _failed(fault: ProviderFault, what: str) -> ProviderError:
    return ProviderError(_NAME, fault, f"{_NAME} {what}; try again later.")
