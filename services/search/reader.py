"""Reading pages of the public web as text."""

from __future__ import annotations

from services.net.http import PublicWeb
from services.search.extracting import Extractor
from services.search.values import Page


class PageReader:
    """Fetches through the guarded way to the outside and extracts the text."""

    def __init__(self, web: PublicWeb, extractor: Extractor | None = None) -> None:
        self._web = web
        self._extractor = extractor or Extractor()

    async def read(self, url: str) -> Page:
        """Return the page at ``url``; raises ``Refused`` if it cannot be had or read."""
        return await self._extractor.page(await self._web.fetch(url.strip()))
