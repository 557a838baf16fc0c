"""A bounded cache that cannot keep what a write has made stale."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RecentCache(Generic[K, V]):
    """The ``size`` most recently used values.

    To fill it from a read that takes time: note ``epoch`` first and pass it to ``keep``; if
    something was dropped meanwhile, the value read is not kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()
        self.epoch = 0

    def get(self, key: K) -> V | None:
        """Return the value and mark it as used, or ``None``."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def keep(self, key: K, value: V, *, epoch: int | None = None) -> None:
        """Hold a value, dropping the least recently used beyond the size."""
        if epoch is not None and epoch != self.epoch:
            return
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget one value."""
        self.epoch += 1
        self._values.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self.epoch += 1
        self._values.clear()

    def __len__(self) -> int:
        return len(self._values)
