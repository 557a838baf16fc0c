"""Tells reminders when their moment has come."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self

from services.domain.clock import Clock
from services.lifecycle import Supervisor
from services.reminders import queue
from services.reminders.clock_changes import undo_the_future, went_back
from services.reminders.outcomes import Pace, outcome
from services.reminders.phrasing import Phrasing
from services.reminders.posts import Announcement, Posting, ReminderPost, ReminderPosts
from services.reminders.recurring import following_of
from services.reminders.reminder import LATE, Reminder
from services.reminders.repository import platform_of
from services.storage.database import Database

logger = logging.getLogger(__name__)

_LANES = 64
_TURN = 5
_CALM = 4
_LONGEST_SLEEP = 30.0
_JUMP = timedelta(seconds=5)
_AFTER_FAILURE = 5.0


class ReminderDispatcher:
    """Delivers what is due, in up to 64 lanes at once and in each one after the other.

    A lane is a place or a person's private channel; after five reminders it lets others go first.
    Each delivery is claimed in the database before it begins and marked after it ended, so that a
    crash loses none; what one process left open is due again when the next one enters. It sleeps
    until the next moment, 30 s at most, so that a clock that jumps is noticed by then.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        posts: ReminderPosts,
        phrasing: Phrasing,
        pace: Pace | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._posts = posts
        self._phrasing = phrasing
        self._pace = pace or Pace()
        self._supervisor = Supervisor()
        self._news = asyncio.Event()
        self._busy: set[str] = set()
        self._cursor = ""
        self._offset = self._drift()
        posts.watch(self._news.set)

    async def __aenter__(self) -> Self:
        async with self._database.steps() as tx:
            resumed = await tx.run(queue.resume, now=self._clock.now())
        if resumed:
            logger.warning("deliveries of reminders were cut off", extra={"reminders": resumed})
        if await went_back(self._database, self._clock.now()):
            await self._undo_the_future()
        self._supervisor.start("reminders", self._run, restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            await self._heed_clock()
            if self._posts.platforms and len(self._busy) < _LANES:
                await self._fill_lanes()
            await self._rest()

    async def _heed_clock(self) -> None:
        """Notice that the clock was set back: nothing may wait for a moment it had invented."""
        drift = self._drift()
        if drift < self._offset - _JUMP:
            await self._undo_the_future()
        self._offset = drift

    async def _undo_the_future(self) -> None:
        changed = await undo_the_future(
            self._database, now=self._clock.now(), longest=self._pace.longest
        )
        logger.warning("the clock went back", extra={"reminders": changed})

    def _drift(self) -> timedelta:
        """Return wall time less monotonic time: it changes only when the clock is set."""
        since = self._clock.now().timestamp() - self._clock.monotonic()
        return timedelta(seconds=since)

    async def _fill_lanes(self) -> None:
        async with self._database.reader() as snapshot:
            lanes = await snapshot.run(
                queue.due_lanes,
                self._posts.platforms,
                now=self._clock.now(),
                after=self._cursor,
                limit=_LANES + len(self._busy),
            )
        for lane in lanes:
            if len(self._busy) >= _LANES:
                return
            if lane not in self._busy:
                self._busy.add(lane)
                self._cursor = lane
                self._supervisor.start("reminder lane", partial(self._serve, lane))

    async def _rest(self) -> None:
        seconds = _LONGEST_SLEEP
        if self._posts.platforms and len(self._busy) < _LANES:
            async with self._database.reader() as snapshot:
                wake = await snapshot.run(
                    queue.next_wake, self._posts.platforms, busy=tuple(self._busy)
                )
            if wake is not None:
                seconds = min(seconds, (wake - self._clock.now()).total_seconds())
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._news.wait()
        except TimeoutError:
            return

    async def _serve(self, lane: str) -> None:
        try:
            for _ in range(_TURN):
                now = self._clock.now()
                async with self._database.reader() as snapshot:
                    reminder = await snapshot.run(queue.first_due, lane, now=now)
                post = self._posts.find(platform_of(lane))
                if reminder is None or post is None:
                    return
                await self._deliver(reminder, post)
        except Exception:  # one lane's failure must not stop the others
            logger.exception("reminders could not be delivered")
            await asyncio.sleep(_AFTER_FAILURE)
        finally:
            self._busy.discard(lane)
            self._news.set()

    async def _deliver(self, reminder: Reminder, post: ReminderPost) -> None:
        announcement = await self._announcement(reminder)
        now = self._clock.now()
        lease = now + timedelta(seconds=self._pace.lease)
        async with self._database.steps() as tx:
            if not await tx.run(queue.claim, reminder, now=now, lease=lease):
                return
        posting = await self._posted(post, announcement)
        now = self._clock.now()
        following = await following_of(reminder, now)
        values = outcome(reminder, posting, now=now, following=following, pace=self._pace)
        async with self._database.steps() as tx:
            await tx.run(queue.mark, reminder, values, attempts=reminder.attempts + 1)
        logger.info(
            "a reminder was due",
            extra={"reminder": reminder.id, "outcome": posting.value, "try": reminder.attempts + 1},
        )

    async def _announcement(self, reminder: Reminder) -> Announcement:
        late = self._clock.now() - reminder.due_at > LATE
        hurried = len(self._busy) > _CALM or reminder.attempts > 0
        told = await self._phrasing.of(reminder, hurried=hurried)
        return Announcement(
            reminder=reminder.id,
            occurrence=reminder.occurrence,
            number=reminder.number,
            to=reminder.owner,
            conversation=reminder.conversation,
            private=reminder.private,
            persona=reminder.persona,
            speaker=told.speaker,
            words=told.words,
            text=reminder.text,
            moment=reminder.moment,
            late=late,
            repeats=reminder.rrule is not None,
            uncertain=reminder.uncertain,
            tried_at=reminder.tried_at,
        )

    async def _posted(self, post: ReminderPost, announcement: Announcement) -> Posting:
        try:
            async with asyncio.timeout(self._pace.lease):
                return await post.deliver(announcement)
        except TimeoutError:
            return Posting.UNCERTAIN
        except Exception:
            logger.exception("a frontend failed", extra={"reminder": announcement.reminder})
            return Posting.UNCERTAIN
