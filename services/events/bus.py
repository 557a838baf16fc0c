"""News inside the process: at most once, in order per subscriber, never slowing the publisher."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.domain.events import DomainEvent


class EventBus(Protocol):
    """Tells subscribers what has happened."""

    def publish(self, event: DomainEvent, /) -> None:
        """Hand ``event`` to every subscriber of its kind and return at once."""
        ...

    def subscribe(self, *kinds: str) -> AbstractAsyncContextManager[AsyncIterator[DomainEvent]]:
        """Enter to receive events of ``kinds`` (all kinds if none is named) published from then on.

        A subscriber that falls behind loses the oldest events, which is counted and logged.
        """
        ...
