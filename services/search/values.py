"""What is found on the web, and what finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class SafeSearch(StrEnum):
    """How much is left out of what is found."""

    OFF = "off"
    MODERATE = "moderate"
    STRICT = "strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One thing found; all of it was written by strangers."""

    title: str
    url: str
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as text; ``url`` is where it was in the end, ``title`` may be empty."""

    url: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A page an answer can rest on, by the number it is cited with."""

    number: int
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAnswer:
    """An answer and its ``sources``: those it cites, or all that were read when it cites none."""

    text: str
    sources: tuple[Source, ...] = ()
    cites: bool = False


class WebSearch(Protocol):
    """A search engine."""

    @property
    def name(self) -> str:
        """What it is called in the settings."""
        ...

    async def search(self, query: str, *, count: int, safe: SafeSearch) -> Sequence[SearchResult]:
        """Return up to ``count`` results, best first; none is fine.

        Raises ``ProviderError`` when it does not work.
        """
        ...
