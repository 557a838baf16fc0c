"""Who may use a model server now, and who waits."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import Priority
from services.observability.metrics import Metrics

MAX_WAITING = 4096


class Preempted(ProviderError):  # noqa: N818
    """The call gave way to a conversation; asking again later can help."""

    def __init__(self, provider: str) -> None:
        super().__init__(
            provider,
            ProviderFault.OVERLOADED,
            "The model is needed for a conversation; try again in a moment.",
            detail="preempted",
        )


class Lease:
    """A held place in a lane. Its holder awaits the server only inside ``within``."""

    def __init__(self, provider: str, priority: Priority) -> None:
        self.priority = priority
        self._provider = provider
        self._preempted = False
        self._timeout: asyncio.Timeout | None = None

    @property
    def preempted(self) -> bool:
        """Whether the place is wanted back."""
        return self._preempted

    @asynccontextmanager
    async def within(self, seconds: float | None) -> AsyncGenerator[None, None]:
        """Bound the awaits in the body by a duration and by preemption.

        Raises ``TimeoutError`` or ``Preempted``; a cancellation from outside stays one. Put no
        ``yield`` of a generator in the body.
        """
        self.check()
        try:
            async with asyncio.timeout(seconds) as timeout:
                self._timeout = timeout
                try:
                    yield
                finally:
                    self._timeout = None
        except TimeoutError:
            self.check()
            raise

    def check(self) -> None:
        """Raise ``Preempted`` when the place is wanted back."""
        if self._preempted:
            raise Preempted(self._provider)

    def preempt(self) -> None:
        """Ask for the place back: wakes the holder, who leaves by the next ``within``."""
        self._preempted = True
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())


Waiting = tuple[asyncio.Future[None], Lease]


class _FairQueue:
    """Waiting calls of one priority: tenants take turns, a tenant's own calls keep their order."""

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, deque[Waiting]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Waiting]:
        for calls in self._tenants.values():
            yield from calls

    def append(self, entry: Waiting, tenant: str) -> None:
        self._tenants.setdefault(tenant, deque()).append(entry)
        self._length += 1

    def remove(self, entry: Waiting, tenant: str) -> None:
        calls = self._tenants[tenant]
        calls.remove(entry)
        self._length -= 1
        if not calls:
            del self._tenants[tenant]

    def popleft(self) -> Waiting:
        tenant, calls = next(iter(self._tenants.items()))
        self._length -= 1
        entry = calls.popleft()
        if calls:
            self._tenants.move_to_end(tenant)
        else:
            del self._tenants[tenant]
        return entry


class ProviderLane:
    """The places of one model server, given out by priority and, within one, fairly.

    Tenants of the same priority take turns, however many calls each has waiting; the calls of one
    tenant keep their order. A waiting CONVERSATION preempts a running BACKGROUND or PREFILL holder
    when no place is free. BACKGROUND gets a place only when nobody else runs or waits. A cancelled
    waiter neither keeps nor loses a place. Beyond ``MAX_WAITING`` waiting calls, asking raises
    ``ProviderError`` (``OVERLOADED``). How long calls waited goes into ``metrics``.
    """

    def __init__(
        self, concurrency: int, *, provider: str = "ollama", metrics: Metrics | None = None
    ) -> None:
        self._concurrency = concurrency
        self._provider = provider
        self._metrics = metrics
        self._running: list[Lease] = []
        self._waiting = {priority: _FairQueue() for priority in Priority}

    @property
    def running(self) -> int:
        """How many places are taken."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many calls wait for a place."""
        return sum(map(len, self._waiting.values()))

    def slot(self, priority: Priority, tenant: str = "") -> AbstractAsyncContextManager[Lease]:
        """Wait for a place, in turn with other tenants, and hold it inside the context."""
        return self._slot(priority, tenant)

    @asynccontextmanager
    async def _slot(self, priority: Priority, tenant: str) -> AsyncGenerator[Lease, None]:
        lease = Lease(self._provider, priority)
        asked = asyncio.get_running_loop().time()
        await self._take(lease, tenant)
        if self._metrics is not None:
            waited = asyncio.get_running_loop().time() - asked
            self._metrics.time(
                "llm_queue_wait_seconds",
                waited,
                endpoint=self._provider,
                priority=priority.name.lower(),
            )
        try:
            yield lease
        finally:
            self._running.remove(lease)
            self._give()

    async def _take(self, lease: Lease, tenant: str) -> None:
        if self.waiting >= MAX_WAITING:
            raise ProviderError(
                self._provider,
                ProviderFault.OVERLOADED,
                "Too many answers are being waited for; try again in a few minutes.",
            )
        granted = asyncio.get_running_loop().create_future()
        entry = (granted, lease)
        self._waiting[lease.priority].append(entry, tenant)
        self._give()
        self._preempt()
        try:
            await granted
        except asyncio.CancelledError:
            if lease in self._running:
                self._running.remove(lease)
            else:
                self._waiting[lease.priority].remove(entry, tenant)
            self._give()
            raise

    def _give(self) -> None:
        """Give free places to those whose turn it is."""
        for priority in Priority:
            queue = self._waiting[priority]
            while queue and self._free_for(priority):
                granted, lease = queue.popleft()
                self._running.append(lease)
                if granted.cancelled():
                    # Its waiter is about to wake and takes the place back out.
                    continue
                granted.set_result(None)

    def _free_for(self, priority: Priority) -> bool:
        if priority is Priority.BACKGROUND:
            return not self._running and self.waiting == len(self._waiting[priority])
        return len(self._running) < self._concurrency

    def _preempt(self) -> None:
        """Ask as many lesser holders to leave as conversations wait, the least first."""
        wanting = sum(not granted.done() for granted, _ in self._waiting[Priority.CONVERSATION])
        leaving = sum(lease.preempted for lease in self._running)
        lesser = [
            lease
            for lease in self._running
            if lease.priority > Priority.CONVERSATION and not lease.preempted
        ]
        lesser.sort(key=lambda lease: lease.priority, reverse=True)
        for lease in lesser[: max(0, wanting - leaving)]:
            lease.preempt()
