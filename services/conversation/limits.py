"""How often something may happen: sliding windows, cooldowns and bounded memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from types import TracebackType
from typing import Generic, TypeVar

from services.domain.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedMap(Generic[K, V]):
    """A mapping that forgets the entries unused for longest beyond ``capacity``."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        """How many entries are held."""
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        """Whether there is an entry; looking does not count as use."""
        return key in self._entries

    def get(self, key: K) -> V | None:
        """Return the entry and count it as used."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key]

    def put(self, key: K, value: V) -> None:
        """Set the entry and count it as used."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def values(self) -> Iterable[V]:
        """Return the entries, those unused for longest first."""
        return self._entries.values()

    def clear(self) -> None:
        """Forget every entry."""
        self._entries.clear()

    def drop(self, key: K) -> None:
        """Forget the entry if it is there."""
        self._entries.pop(key, None)


class SlidingWindow:
    """What happened to one key in the last ``seconds``, with places held for what may happen."""

    __slots__ = ("_clock", "_confirmed", "_held", "_noticed_at", "seconds")

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds
        self._confirmed: deque[float] = deque()
        self._held = 0
        self._noticed_at: float | None = None

    def retry_after(self, limit: int) -> float | None:
        """Return ``None`` if there is room below ``limit``, else seconds until there can be."""
        now = self._clock.monotonic()
        while self._confirmed and self._confirmed[0] + self.seconds <= now:
            self._confirmed.popleft()
        surplus = len(self._confirmed) + self._held - limit
        if surplus < 0:
            return None
        if surplus >= len(self._confirmed):
            return self.seconds
        return self._confirmed[surplus] + self.seconds - now

    def hold(self) -> None:
        """Count one more, for as long as it takes to be confirmed or let go."""
        self._held += 1

    def confirm(self) -> None:
        """Turn a held place into something that happened now."""
        self._held -= 1
        self._confirmed.append(self._clock.monotonic())

    def let_go(self) -> None:
        """Give a held place back."""
        self._held -= 1

    def first_refusal(self) -> bool:
        """Tell, once per window, that this key should hear why it is refused."""
        now = self._clock.monotonic()
        if self._noticed_at is not None and now - self._noticed_at < self.seconds:
            return False
        self._noticed_at = now
        return True


class Reservation:
    """Places held in one or more windows; the first of ``confirm`` and ``release`` counts.

    As a context manager it releases on exit what was not confirmed.
    """

    __slots__ = ("_on_release", "_open", "_windows")

    def __init__(
        self, windows: Sequence[SlidingWindow], *, on_release: Callable[[], None] | None = None
    ) -> None:
        for window in windows:
            window.hold()
        self._windows = windows
        self._on_release = on_release
        self._open = True

    def confirm(self) -> None:
        """Something was sent: the places count from now."""
        if self._open:
            self._open = False
            for window in self._windows:
                window.confirm()

    def release(self) -> None:
        """Nothing was sent: the places are free again."""
        if self._open:
            self._open = False
            for window in self._windows:
                window.let_go()
            if self._on_release is not None:
                self._on_release()

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class Limits:
    """Sliding-window counters for many keys; beyond ``capacity`` the longest unused is forgotten.

    A reservation counts until it is released; a confirmed one counts for ``window_seconds`` from
    its confirmation.
    """

    def __init__(self, clock: Clock, *, window_seconds: float, capacity: int = 20_000) -> None:
        self._clock = clock
        self._seconds = window_seconds
        self._windows: BoundedMap[Hashable, SlidingWindow] = BoundedMap(capacity)

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._windows)

    def reconfigure(self, *, window_seconds: float) -> None:
        """Count over another length of time; what has happened still counts."""
        self._seconds = window_seconds
        for window in self._windows.values():
            window.seconds = window_seconds

    def check(self, key: Hashable, limit: int) -> float | None:
        """Return ``None`` if one more is within ``limit``, else seconds until one can be."""
        window = self._windows.get(key)
        if window is None:
            return None if limit > 0 else self._seconds
        return window.retry_after(limit)

    def reserve(self, *keys: Hashable, on_release: Callable[[], None] | None = None) -> Reservation:
        """Hold a place for each key; ``on_release`` runs if they are given back."""
        return Reservation([self._window(key) for key in keys], on_release=on_release)

    def first_refusal(self, key: Hashable) -> bool:
        """Tell, once per window and key, that a refusal should be explained."""
        return self._window(key).first_refusal()

    def _window(self, key: Hashable) -> SlidingWindow:
        window = self._windows.get(key)
        if window is None:
            window = SlidingWindow(self._clock, self._seconds)
            self._windows.put(key, window)
        return window


class Cooldowns:
    """When something last happened, per key, for at most ``capacity`` keys."""

    def __init__(self, clock: Clock, *, capacity: int = 20_000) -> None:
        self._clock = clock
        self._started: BoundedMap[Hashable, float] = BoundedMap(capacity)

    def remaining(self, key: Hashable, seconds: float) -> float | None:
        """Return ``None`` if the pause of ``seconds`` is over, else what is left of it."""
        started = self._started.get(key)
        if started is None:
            return None
        left = started + seconds - self._clock.monotonic()
        return left if left > 0.0 else None

    def start(self, key: Hashable) -> Callable[[], None]:
        """Begin the pause now; the returned call takes that back unless it began anew since."""
        earlier = self._started.get(key)
        now = self._clock.monotonic()
        self._started.put(key, now)

        def undo() -> None:
            if self._started.get(key) != now:
                return
            if earlier is None:
                self._started.drop(key)
            else:
                self._started.put(key, earlier)

        return undo
