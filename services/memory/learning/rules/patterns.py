"""Regular expressions that are compiled when they are first used: no start waits for so many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property

Match = re.Match[str]


class Pattern:
    """A regular expression with the methods of ``re.Pattern`` that rules use.

    A wrong one raises ``re.error`` at its first use.
    """

    def __init__(self, source: str, flags: int = 0) -> None:
        self._source = source
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._source, self._flags)

    def match(self, text: str, start: int = 0) -> Match | None:
        """See ``re.Pattern.match``."""
        return self._compiled.match(text, start)

    def fullmatch(self, text: str) -> Match | None:
        """See ``re.Pattern.fullmatch``."""
        return self._compiled.fullmatch(text)

    def search(self, text: str, start: int = 0) -> Match | None:
        """See ``re.Pattern.search``."""
        return self._compiled.search(text, start)

    def finditer(self, text: str) -> Iterator[Match]:
        """See ``re.Pattern.finditer``."""
        return self._compiled.finditer(text)

    def findall(self, text: str) -> list[str]:
        """See ``re.Pattern.findall``; for patterns with at most one group."""
        return self._compiled.findall(text)

    def split(self, text: str) -> list[str]:
        """See ``re.Pattern.split``."""
        return self._compiled.split(text)

    def sub(self, replacement: str | Callable[[Match], str], text: str, count: int = 0) -> str:
        """See ``re.Pattern.sub``."""
        return self._compiled.sub(replacement, text, count)
