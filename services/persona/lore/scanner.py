"""Scans a conversation for the lorebook entries that belong in the prompt."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from services.persona.javascript_regex import shared_engine
from services.persona.lore.entry import Lorebook
from services.persona.lore.lineup import Lineup, line_up
from services.persona.lore.matcher import RegexTester
from services.persona.lore.passes import Scan
from services.persona.lore.prepared import Preparation, PreparedBook, prepare
from services.persona.lore.request import ScanRequest
from services.persona.lore.result import ScanResult

T = TypeVar("T")

_BOOKS = 64
_LINEUPS = 64


class LoreScanner:
    """Finds what belongs in the prompt; keeps books it has seen ready.

    A scan changes nothing and depends on its request alone: the same request, with a random
    source in the same state, gives the same result. Safe to share between threads.
    """

    def __init__(self, *, tester: RegexTester | None = None) -> None:
        self._tester = tester or shared_engine()
        self._prepared: _Kept[PreparedBook] = _Kept(_BOOKS)
        self._lineups: _Kept[Lineup] = _Kept(_LINEUPS)

    def scan(self, request: ScanRequest) -> ScanResult:
        """Return what belongs in the prompt; blocking, for regex keys up to 50 ms each."""
        return Scan(self._lineup(request), request, tester=self._tester).run()

    async def scan_aside(self, request: ScanRequest) -> ScanResult:
        """Do ``scan`` in a thread. ``expand``, ``count_tokens`` and ``rng`` are used there."""
        return await asyncio.to_thread(self.scan, request)

    def _lineup(self, request: ScanRequest) -> Lineup:
        settings = request.settings
        preparation = Preparation(
            cased=settings.case_sensitive,
            whole_words=settings.match_whole_words,
            decorators=settings.decorators,
            knows_greeting=request.greeting is not None,
            knows_icon=request.user_icon is not None,
        )
        books = tuple(request.books)
        return self._lineups.get(
            (books, settings.strategy, preparation),
            lambda: line_up(
                [self._prepare(book, preparation) for book in books], settings.strategy
            ),
        )

    def _prepare(self, book: Lorebook, preparation: Preparation) -> PreparedBook:
        return self._prepared.get((book, preparation), lambda: prepare(book, preparation))


class _Kept(Generic[T]):
    """The values used last, by what they were made from."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        """Return the value of this name, made if it is not there."""
        with self._lock:
            if name in self._values:
                self._values.move_to_end(name)
                return self._values[name]
        value = make()
        with self._lock:
            self._values[name] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value
