"""Work that is done in order, by one task, and bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.domain.errors import AcoreError

logger = logging.getLogger(__name__)

_MOST_WAITING = 64
_MOST_SPARE = 32


class Errands:
    """A queue of work; ``complain`` is told the sentence of work that fails."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(_MOST_WAITING)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            work = await self._work.get()
            try:
                await work()
            except AcoreError as error:
                logger.warning("a spoken turn was not taken in", extra={"code": error.code})
                self._complain(error.user_message)
            except Exception:  # the next turn must be taken in
                logger.exception("a spoken turn was not taken in")

    def do(self, work: Callable[[], Awaitable[None]], /, *, spare: bool = False) -> bool:
        """Have work done; ``False`` when too much waits, sooner for what can be spared."""
        if self._work.qsize() >= (_MOST_SPARE if spare else _MOST_WAITING):
            logger.warning("spoken turns come faster than they are taken in")
            return False
        self._work.put_nowait(work)
        return True
