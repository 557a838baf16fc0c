"""What search engines send, as results that can be shown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.search.values import SearchResult

_TAG = re.compile(r"<[^<>]{0,200}>")
_LONGEST_URL = 2000
_LONGEST_TITLE = 200
_LONGEST_SNIPPET = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What an engine calls the parts of a result."""

    title: str
    url: str
    snippet: str


def cleaned(found: object, fields: Fields, *, count: int) -> list[SearchResult]:
    """Return up to ``count`` results of a list of objects; what makes no sense is left out.

    Addresses are http or https and occur once, texts are free of tags and cut.
    """
    results: dict[str, SearchResult] = {}
    for each in found if isinstance(found, Iterable) else ():
        if not isinstance(each, Mapping):
            continue
        url = str(each.get(fields.url) or "").strip()
        if not _is_web(url) or url in results:
            continue
        results[url] = SearchResult(
            title=one_line(each.get(fields.title), _LONGEST_TITLE) or url,
            url=url,
            snippet=one_line(each.get(fields.snippet), _LONGEST_SNIPPET),
        )
        if len(results) == count:
            break
    return list(results.values())


def one_line(text: object, longest: int) -> str:
    """Return ``text`` without tags and control characters on one line, cut to ``longest``."""
    plain = html.unescape(_TAG.sub("", text if isinstance(text, str) else ""))
    line = " ".join("".join(each if each.isprintable() else " " for each in plain).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _is_web(url: str) -> bool:
    fine = url.isprintable() and not any(one in url for one in " <>\"'`\\")
    return url.startswith(("http://", "https://")) and fine and len(url) <= _LONGEST_URL
