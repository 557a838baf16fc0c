"""A conversation's line of messages and requests that were not looked at yet."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import replace

from services.conversation.jobs import Arrival, Item
from services.domain.errors import Busy
from services.domain.ids import AuthorId
from services.domain.messages import Message, TextPart


class Mailbox:
    """Items in the order they came, at most ``size``; messages in it can still be changed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[Item] = deque()
        self._arrived = asyncio.Event()

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._items

    def put(self, item: Item) -> None:
        """Add ``item``; raises ``Busy`` when it is full."""
        if len(self._items) >= self._size:
            raise Busy("mailbox_full", "Too many messages are waiting here; try again in a moment.")
        self._items.append(item)
        self._arrived.set()

    async def next(self) -> Item:
        """Wait for the first item and take it out; for one reader."""
        while not self._items:
            self._arrived.clear()
            await self._arrived.wait()
        return self._items.popleft()

    def rewrite(self, external_id: str, text: str, *, by: AuthorId) -> bool | None:
        """Give a waiting message of ``by`` other words; ``None`` when it is not here.

        False when it is another's or reads so already.
        """
        for at, item in enumerate(self._items):
            if isinstance(item, Arrival) and external_id in item.inbound.message.external_ids:
                message = item.inbound.message
                if message.author.id != by or message.text == text:
                    return False
                inbound = replace(item.inbound, message=with_text(message, text))
                self._items[at] = replace(item, inbound=inbound)
                return True
        return None

    def withdraw(self, external_ids: Collection[str]) -> list[Arrival]:
        """Take out the messages that a platform knows under these ids."""
        gone = [
            item
            for item in self._items
            if isinstance(item, Arrival)
            and not set(external_ids).isdisjoint(item.inbound.message.external_ids)
        ]
        for item in gone:
            self._items.remove(item)
        return gone

    def drain(self) -> list[Item]:
        """Take out everything."""
        items = list(self._items)
        self._items.clear()
        return items


def with_text(message: Message, text: str) -> Message:
    """Return ``message`` with other words and the same attachments."""
    words = (TextPart(text=text),) if text else ()
    return replace(message, parts=(*words, *message.attachments))
