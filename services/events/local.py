"""The bus within one process."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.domain.events import DomainEvent

logger = logging.getLogger(__name__)

_BACKLOG = 1000


class _Subscription:
    """A bounded backlog with a bell."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        self.lost = 0
        self._backlog: deque[DomainEvent] = deque(maxlen=_BACKLOG)
        self._bell = asyncio.Event()

    def offer(self, event: DomainEvent) -> None:
        if self.kinds and event.kind not in self.kinds:
            return
        if len(self._backlog) == _BACKLOG:
            self.lost += 1
            if self.lost & (self.lost - 1) == 0:
                logger.warning("subscriber lags; events lost", extra={"lost": self.lost})
        self._backlog.append(event)
        self._bell.set()

    async def events(self) -> AsyncIterator[DomainEvent]:
        while True:
            while self._backlog:
                yield self._backlog.popleft()
            self._bell.clear()
            await self._bell.wait()


class LocalEventBus:
    """Keeps one backlog of at most 1000 events per subscriber."""

    def __init__(self) -> None:
        self._subscriptions: set[_Subscription] = set()

    def publish(self, event: DomainEvent, /) -> None:
        """Hand ``event`` to every subscriber of its kind and return at once."""
        for subscription in self._subscriptions:
            subscription.offer(event)

    @asynccontextmanager
    async def subscribe(self, *kinds: str) -> AsyncIterator[AsyncIterator[DomainEvent]]:
        """Enter to receive events of ``kinds`` published from then on."""
        subscription = _Subscription(frozenset(kinds))
        self._subscriptions.add(subscription)
        try:
            yield subscription.events()
        finally:
            self._subscriptions.discard(subscription)
