"""The background learner: what people said becomes facts, soon by rule, later by a model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.errors import StorageError
from services.domain.events import (
    DomainEvent,
    MessageEdited,
    MessageRecorded,
    MessageRemoved,
    TurnConcluded,
    TurnUndone,
)
from services.domain.people import AuthorKind
from services.events.bus import EventBus
from services.lifecycle import Supervisor
from services.memory.index.news import FOLLOWED
from services.memory.index.rounds import Rounds
from services.memory.learning import lesson_rows as rows
from services.memory.learning.extraction import Claim
from services.memory.learning.fact import Changes
from services.memory.learning.lesson_rows import Spoken
from services.memory.learning.lessons import Lessons
from services.memory.learning.memory_block import Suggestion
from services.memory.learning.thinking_over import AT_ONCE, ThinkingOver, Thought, Written
from services.memory.recollections import Vectorizer
from services.observability.metrics import Metrics
from services.settings import MemorySettings
from services.storage.database import Database

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 300.0
_SETTLE_SECONDS = 1.5
_MOST_NOTED = 2000
_PORTION = 50
_RESTS = (30.0, 600.0)


class Learner:
    """While entered, learns from what people say.

    News say where to look; a sweep at the start and every five minutes finds what they missed.
    Each message is one transaction with a note that it was read, so that a crash neither loses nor
    repeats a lesson. A message that is edited, removed or undone takes what it taught with it. With
    a model, messages the rules have read are thought over in portions of six whenever ``idle`` has
    returned and the model is free; without an answer it rests from 30 s up to 10 min.
    """

    def __init__(
        self,
        *,
        database: Database,
        bus: EventBus,
        lessons: Lessons,
        clock: Clock,
        settings: MemorySettings,
        index: Vectorizer | None = None,
        thinking_over: ThinkingOver | None = None,
        idle: Callable[[], Awaitable[None]] | None = None,
        metrics: Metrics | None = None,
        settle_seconds: float = _SETTLE_SECONDS,
    ) -> None:
        self._database = database
        self._bus = bus
        self._lessons = lessons
        self._clock = clock
        self._settings = settings
        self._index = index
        self._thinking_over = thinking_over
        self._idle = idle
        self._metrics = metrics
        self._settle_seconds = settle_seconds
        self._said: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        self._suggested: list[Suggestion] = []
        self._sweep_at = 0.0
        self._rest = 0.0
        self._rest_until = 0.0
        self._reading = Rounds(self._read_some, self._until_sweep)
        self._pondering = Rounds(self._think_some, lambda: SWEEP_SECONDS)
        self._life = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin, unless learning is off."""
        if not self._settings.enabled:
            return self
        supervisor = await self._life.enter_async_context(Supervisor())
        events = await self._life.enter_async_context(self._bus.subscribe(*FOLLOWED))
        supervisor.start("learning news", lambda: self._follow(events), restart=True)
        supervisor.start("learning", self._reading.run, restart=True)
        if self._thinking_over is not None:
            supervisor.start("learning by model", self._pondering.run, restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; what was not read yet is read at the next start."""
        await self._life.aclose()

    def apply(self, settings: MemorySettings) -> None:
        """Learn as ``settings`` say from now on."""
        self._settings = settings
        self._sweep_at = 0.0
        self._reading.wake()
        self._pondering.wake()

    def suggest(self, suggestion: Suggestion) -> None:
        """Take in the memory block of an answer; it is checked in the background."""
        if self._settings.learning != "off" and len(self._suggested) < _MOST_NOTED:
            self._suggested.append(suggestion)
            self._reading.wake()

    async def caught_up(self) -> None:
        """Wait until everything said so far has been read by rule."""
        await self._reading.quiet.wait()

    async def read_everything(self) -> int:
        """Read by rule what nobody has read yet, and return how many facts are new."""
        added = 0
        seen: set[str] = set()
        while self._settings.learning != "off":
            async with self._database.reader() as snapshot:
                found = await snapshot.run(rows.unread, limit=_PORTION + len(seen))
            fresh = [each for each in found if each not in seen]
            if not fresh:
                break
            seen.update(fresh)
            for message in fresh:
                added += await self._learn(message)
        return added

    async def think_over(self, limit: int = AT_ONCE) -> bool:
        """Ask the model about one portion of messages; say whether there may be more."""
        if self._thinking_over is None or self._settings.learning != "model":
            return False
        async with self._database.reader() as snapshot:
            portion = await snapshot.run(_portion, limit)
        if not portion:
            return False
        worth = [each for each in portion if _written(each).worth_reading]
        thought: Thought | None = Thought(claims=[])
        if worth:
            thought = await self._thinking_over.claims(
                [_written(each) for each in worth], tenant=_tenant(portion[0])
            )
        if thought is None:
            return False
        by_message = dict(zip((each.id for each in worth), thought.claims, strict=True))
        for each in portion:
            await self._change(self._learn_claims, each.id, by_message.get(each.id, []))
        if worth and thought.warmth:
            await self._change(self._lessons.warm, worth[-1].id, thought.warmth)
        return True

    async def _follow(self, events: object) -> None:
        async for event in events:  # type: ignore[attr-defined]
            self._note(event)

    def _note(self, event: DomainEvent) -> None:
        if isinstance(event, MessageRecorded):
            if event.entry.message.author.kind is AuthorKind.HUMAN:
                self._add(self._said, event.entry.message.id)
        elif isinstance(event, MessageEdited):
            self._add(self._changed, event.entry.message.id)
            self._add(self._said, event.entry.message.id)
        elif isinstance(event, MessageRemoved):
            self._add(self._changed, event.message)
        elif isinstance(event, TurnUndone):
            for message in event.messages:
                self._add(self._changed, message)
        elif not isinstance(event, TurnConcluded):
            return
        self._reading.wake()

    def _add(self, noted: dict[str, None], message: str) -> None:
        if len(noted) < _MOST_NOTED:
            noted[message] = None
        else:
            self._sweep_at = 0.0

    def _until_sweep(self) -> float:
        return max(0.0, self._sweep_at - self._clock.monotonic())

    async def _read_some(self) -> bool:
        """Do what is due; say whether there may be more."""
        if not (self._said or self._changed or self._suggested) and self._until_sweep() > 0:
            return False
        await asyncio.sleep(self._settle_seconds)
        changed, self._changed = list(self._changed), {}
        said, self._said = list(self._said), {}
        suggested, self._suggested = self._suggested, []
        if changed:
            await self._change(self._unlearn, changed)
        if self._settings.learning == "off":
            self._sweep_at = self._clock.monotonic() + SWEEP_SECONDS
            return False
        for message in said:
            await self._learn(message)
        for suggestion in suggested:
            await self._change(self._lessons.learn_block, suggestion)
        if not self._until_sweep():
            self._sweep_at = self._clock.monotonic() + SWEEP_SECONDS
            async with self._database.reader() as snapshot:
                gone = await snapshot.run(rows.no_longer_said)
            if gone:
                await self._change(self._unlearn, gone)
            await self.read_everything()
        self._pondering.wake()
        return bool(self._said or self._changed or self._suggested)

    async def _think_some(self) -> bool:
        if self._clock.monotonic() < self._rest_until:
            await asyncio.sleep(self._rest_until - self._clock.monotonic())
        if self._idle is not None:
            await self._idle()
        waiting = await self._waiting()
        if not waiting:
            return False
        if await self.think_over():
            self._rest = 0.0
            return True
        self._rest = min(max(self._rest * 2, _RESTS[0]), _RESTS[1])
        self._rest_until = self._clock.monotonic() + self._rest
        return True

    async def _waiting(self) -> bool:
        if self._thinking_over is None or self._settings.learning != "model":
            return False
        async with self._database.reader() as snapshot:
            return bool(await snapshot.run(rows.unthought, limit=1))

    async def _learn(self, message: str) -> int:
        return await self._change(self._lessons.learn, message)

    async def _change(self, work: Callable[..., int], *args: object) -> int:
        """Run ``work(connection, *args, changes)`` as a transaction, then tell the index."""
        changes = Changes()
        try:
            async with self._database.transaction() as tx:
                done = await tx.run(_with_changes, work, args, changes)
        except StorageError as error:
            logger.warning("a lesson could not be stored", extra={"code": error.code})
            self._sweep_at = min(self._sweep_at, self._clock.monotonic() + _RESTS[0])
            return 0
        if self._metrics is not None and done > 0:
            self._metrics.count("memory_learnt", done)
        if self._index is not None and changes.any:
            await self._index.dropped(changes.dropped)
            self._index.wake()
        return done

    def _unlearn(self, connection: Connection, messages: Sequence[str], changes: Changes) -> int:
        self._lessons.unlearn(connection, messages, changes)
        return 0

    def _learn_claims(
        self, connection: Connection, message: str, claims: Sequence[Claim], changes: Changes
    ) -> int:
        added, refused = self._lessons.learn_claims(connection, message, claims, changes)
        if self._metrics is not None:
            for reason in refused:
                self._metrics.count("memory_refused", reason=reason.value)
        return added


def _with_changes(
    connection: Connection, work: Callable[..., int], args: Sequence[object], changes: Changes
) -> int:
    return work(connection, *args, changes)


def _portion(connection: Connection, limit: int) -> list[Spoken]:
    """Return messages to think over together: of one conversation, oldest first."""
    found = [
        rows.reread_message(connection, each) for each in rows.unthought(connection, limit=limit)
    ]
    spoken = [each for each in found if each is not None]
    together = [each for each in spoken if each.conversation == spoken[0].conversation]
    return sorted(together, key=lambda each: each.ordinal)


def _written(spoken: Spoken) -> Written:
    return Written(author=spoken.teller, text=spoken.text)


def _tenant(spoken: Spoken) -> str:
    return f"{spoken.conversation.platform}:{spoken.conversation.scope}"
