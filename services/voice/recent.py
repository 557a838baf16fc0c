"""A mapping that keeps what was noted last."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

_MOST = 128

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Notes one value a key, for at most 128 keys; those noted longest ago go."""

    def __init__(self) -> None:
        self._kept: OrderedDict[K, V] = OrderedDict()

    def note(self, key: K, value: V, /) -> None:
        """Keep ``value`` as the latest of ``key``."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def get(self, key: K, /) -> V | None:
        """Return the latest value of ``key``."""
        return self._kept.get(key)

    def forget(self, key: K, /) -> V | None:
        """Drop and return the latest value of ``key``."""
        return self._kept.pop(key, None)

    def noted(self) -> tuple[K, ...]:
        """Return all keys, the one noted longest ago first."""
        return tuple(self._kept)
