"""The pictures that a prompt shows to models that can see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from services.domain.messages import HistoryEntry
from services.domain.replies import TurnBrief

ReadBlob = Callable[[str], Awaitable[bytes]]
"""Returns the bytes of a blob by its sha256."""


async def pictures_of(
    brief: TurnBrief, history: Sequence[HistoryEntry], read: ReadBlob
) -> Mapping[int, tuple[bytes, ...]]:
    """Return the pictures in what is answered, by the ordinals of the messages."""
    ordinals = {entry.message.id: entry.ordinal for entry in history}
    found = {}
    for message in brief.burst:
        parts = [part for part in message.attachments if part.kind == "image"]
        if parts and message.id in ordinals:
            images = [await read(part.sha256) for part in parts]
            found[ordinals[message.id]] = tuple(images)
    return found
