"""Work of one conversation in the order it came."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from services.domain.ids import ConversationId
from services.lifecycle import Supervisor

logger = logging.getLogger(__name__)

_LONGEST = 64
_MOST_OF_ONE = 24
_MOST_LINES = 5_000

Work = Callable[[], Awaitable[None]]


class Lines:
    """Runs work per conversation one after the other, conversations side by side.

    A line takes 64 pieces of waiting work, 24 of them by one account, and there are 5,000 lines;
    what is beyond is dropped. Failures are logged and end nothing.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._waiting: dict[ConversationId, deque[tuple[int, Work]]] = {}

    @property
    def waiting(self) -> int:
        """How many conversations have work that waits or runs."""
        return len(self._waiting)

    def post(self, conversation: ConversationId, work: Work, *, by: int = 0) -> bool:
        """Let ``work`` run after what waits for ``conversation``; False when it was dropped.

        ``by`` is the account that causes it, so that one alone cannot fill a line.
        """
        line = self._waiting.get(conversation)
        if line is not None:
            theirs = sum(account == by for account, _ in line)
            if len(line) >= _LONGEST or theirs >= _MOST_OF_ONE:
                return False
            line.append((by, work))
            return True
        if len(self._waiting) >= _MOST_LINES:
            return False
        self._waiting[conversation] = deque([(by, work)])
        self._supervisor.start("line", partial(self._run, conversation))
        return True

    async def _run(self, conversation: ConversationId) -> None:
        line = self._waiting[conversation]
        try:
            while line:
                _, work = line[0]
                try:
                    await work()
                except Exception:  # one message's failure must not end its line
                    logger.exception("a message was not taken in")
                line.popleft()
        finally:
            del self._waiting[conversation]
