"""How what was found on the web reads on Discord."""

from __future__ import annotations

import re
from collections.abc import Sequence

import discord

from services.search.values import FoundAnswer, SearchResult, Source

_BARE = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)]")
_MOST_LINKS = 5
_LONGEST_LABEL = 80
_LONGEST_LINK = 512  # of a button, by Discord's rules
_LONGEST_SNIPPET = 200
_NO_CITATION = "-# The answer names no source of its own; these pages were read."


def answer_text(found: FoundAnswer) -> str:
    """Return an answer with its sources below it; addresses are written so that none unfolds."""
    lines = [_BARE.sub(r"<\g<0>>", found.text)]
    if found.sources:
        lines += ["", *([] if found.cites else [_NO_CITATION])]
        lines += [_source_line(source) for source in found.sources]
    return "\n".join(lines)


def results_text(found: Sequence[SearchResult]) -> str:
    """Return search results as a numbered list."""
    return "\n".join(
        f"**{number}.** {_plain(result.title)}\n{_plain(result.snippet[:_LONGEST_SNIPPET])}\n"
        f"-# {_address(result.url)}"
        for number, result in enumerate(found, 1)
    )


class Links(discord.ui.View):
    """Buttons that open pages, at most five, labelled by number and title."""

    def __init__(self, pages: Sequence[SearchResult | Source]) -> None:
        super().__init__(timeout=None)
        for number, page in enumerate(pages, 1):
            shown = page.number if isinstance(page, Source) else number
            if len(self.children) < _MOST_LINKS and len(page.url) <= _LONGEST_LINK:
                label = f"{shown}. {page.title}"[:_LONGEST_LABEL]
                self.add_item(discord.ui.Button(label=label, url=page.url))


def links_to(pages: Sequence[SearchResult | Source]) -> Links | None:
    """Return buttons for ``pages``, ``None`` where there are none to make."""
    links = Links(pages)
    return links if links.children else None


def _source_line(source: Source) -> str:
    return f"-# [{source.number}] {_plain(source.title)} {_address(source.url)}"


def _address(url: str) -> str:
    return f"<{url}>"


def _plain(text: str) -> str:
    """Return strangers' words as text and nothing else; addresses in it are no links."""
    escaped = discord.utils.escape_markdown(text, ignore_links=False)
    return escaped.replace("<", "\\<").replace("://", ":\u200b//")
