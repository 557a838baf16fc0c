"""Clicks on the answers of one conversation, one after the other."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from services.domain.errors import Busy
from services.domain.ids import ConversationId, MessageId

_MOST = 2_000


class Turnstile:
    """Lets one click at a time change what stands in a conversation.

    What a click makes stand need not be shown when the next one waits already: ``later`` says how
    it is shown in case that one shows nothing.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._begun = 0
        self._changing: MessageId | None = None
        self._writing = False
        self.later: Callable[[], Awaitable[None]] | None = None

    @property
    def crowded(self) -> bool:
        """Whether another click waits."""
        return self._waiting > 0

    @property
    def idle(self) -> bool:
        """Whether nobody is inside."""
        return not self._lock.locked()

    @asynccontextmanager
    async def passed(self, to_change: MessageId | None = None) -> AsyncIterator[None]:
        """Wait for one's turn and keep it for the length of the context.

        Raises ``Busy`` where the answer ``to_change`` is being made anew or continued by a click,
        or was so while this one waited.
        """
        begun = self._begun
        if self._writing and to_change is not None and to_change == self._changing:
            raise _busy()
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        try:
            if self._begun != begun and to_change is not None and to_change == self._changing:
                raise _busy()
            try:
                yield
            except Exception:
                await self._catch_up()
                raise
            await self._catch_up()
        finally:
            self._lock.release()

    @asynccontextmanager
    async def writing(self, changing: MessageId) -> AsyncIterator[None]:
        """Turn clicks on the same answer away for the length of the context; for who has passed."""
        self._begun += 1
        self._changing = changing
        self._writing = True
        try:
            yield
        finally:
            self._writing = False

    async def _catch_up(self) -> None:
        if self.later is not None and not self.crowded:
            show, self.later = self.later, None
            await show()


class Turnstiles:
    """One turnstile per conversation, 2,000 at most that nobody is in."""

    def __init__(self) -> None:
        self._known: OrderedDict[ConversationId, Turnstile] = OrderedDict()

    def of(self, conversation: ConversationId) -> Turnstile:
        """Return the turnstile of a conversation."""
        found = self._known.get(conversation)
        if found is None:
            found = self._known[conversation] = Turnstile()
        self._known.move_to_end(conversation)
        if len(self._known) > _MOST and next(iter(self._known.values())).idle:
            self._known.popitem(last=False)
        return found


def _busy() -> Busy:
    return Busy("answer_running", "An answer is being written; wait until it is there.")
