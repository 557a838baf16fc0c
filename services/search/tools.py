"""Tools for looking things up on the web."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from services.domain.errors import ProviderError, Refused
from services.search.service import SearchService
from services.toolbox.spec import Cost, ToolContext, ToolSpec

_SEARCH_SECONDS = 25.0
_READ_SECONDS = 35.0
_SNIPPET = 200
_PAGE_CHARACTERS = 3000


class SearchArguments(BaseModel):
    """What to search for."""

    query: str = Field(min_length=1, max_length=300, description="What to look for, a few words.")
    count: int = Field(5, ge=1, le=8, description="How many results.")


class PageArguments(BaseModel):
    """Which page to read."""

    url: str = Field(min_length=8, max_length=2000, description="Full http or https address.")
    about: str = Field("", max_length=200, description="What to look for on the page.")


def search_tools(service: SearchService) -> Sequence[ToolSpec]:
    """Return the tools that search and read."""

    async def web_search(arguments: SearchArguments, _context: ToolContext) -> str:
        try:
            found = await service.search(arguments.query, count=arguments.count)
        except ProviderError as error:
            raise Refused(error.code, error.user_message) from error
        if not found:
            return "Nothing was found."
        return "\n".join(
            f"[{number}] {each.title}\n{each.url}\n{each.snippet[:_SNIPPET]}"
            for number, each in enumerate(found, 1)
        )

    async def fetch_webpage(arguments: PageArguments, _context: ToolContext) -> str:
        page = await service.read(arguments.url, about=arguments.about, most=_PAGE_CHARACTERS)
        return f"{page.title or 'Untitled'}\n{page.url}\n\n{page.text}"

    return (
        ToolSpec(
            name="web_search",
            area="search",
            description="Search the web for news, current facts or anything that you do not know. "
            "Name the sources you use.",
            keywords=(
                "google",
                "internet",
                "headlines",
                "lookup",
                "suche",
                "recherchiere",
                "nachrichten",
                "neuigkeiten",
            ),
            pattern=r"\b(look (it |that |this |them )?up|find out|search for|schaue? (mal )?nach|"
            r"finde heraus|suche? (mal )?nach|(latest|recent) \w+|news (about|on|from|of)|"
            r"neuesten? \w+)\b",
            parameters=SearchArguments,
            handler=web_search,
            cost=Cost.NETWORK,
            timeout=_SEARCH_SECONDS,
        ),
        ToolSpec(
            name="fetch_webpage",
            area="search",
            description="Read a web page, article or PDF by its address.",
            keywords=("url", "link", "website", "webpage", "article", "webseite", "artikel"),
            pattern=r"https?://",
            parameters=PageArguments,
            handler=fetch_webpage,
            cost=Cost.NETWORK,
            timeout=_READ_SECONDS,
        ),
    )
