"""Tidies up every night, and makes the backup first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, func, select

from services.domain.clock import Clock
from services.domain.errors import AcoreError
from services.housekeeping.chore import Chore, ChoreReport, Round
from services.housekeeping.schedule import (
    Diary,
    is_due,
    keep_diary,
    next_entry,
    opened,
    read_diary,
)
from services.lifecycle import Supervisor
from services.observability.metrics import Metrics
from services.settings import HousekeepingSettings
from services.storage.database import Database
from services.storage.tables import turns

logger = logging.getLogger(__name__)

DIARY = "housekeeping.json"

_LOOK_SECONDS = 300.0
_SETTLING_SECONDS = 60.0
_PATIENCE_SECONDS = 600.0
_GLANCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of a chore; ``problem`` is a sentence when it failed."""

    chore: str
    report: ChoreReport
    problem: str | None = None


class Housekeeping:
    """Runs ``chores`` in order at ``at_hour`` every night, local time, while it is entered.

    A night that was slept through, or during which the machine was off, is made up for once, a
    minute after the start. A chore that fails is logged and counted and the others run. Each waits
    up to ten minutes for a moment in which nobody is being answered. ``data`` is the folder where
    the last round is noted; ``zone`` is the machine's own when ``None``.
    """

    def __init__(
        self,
        settings: HousekeepingSettings,
        *,
        data: Path,
        database: Database,
        clock: Clock,
        chores: Sequence[Chore],
        metrics: Metrics,
        zone: tzinfo | None = None,
        look_seconds: float = _LOOK_SECONDS,
        settling_seconds: float = _SETTLING_SECONDS,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._settings = settings
        self._file = data / DIARY
        self._diary: Diary | None = None
        self._database = database
        self._clock = clock
        self._chores = tuple(chores)
        self._metrics = metrics
        self._zone = zone
        self._look_seconds = look_seconds
        self._settling_seconds = settling_seconds
        self._patience_seconds = patience_seconds
        self._supervisor = Supervisor()
        self._round = asyncio.Lock()

    async def __aenter__(self) -> Self:
        if self._settings.enabled:
            self._supervisor.start("housekeeping", self._watch, restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)

    async def tidy(self) -> Sequence[Done]:
        """Do every chore now and say what became of each.

        The round is noted before it begins: one that ends the process is not tried again at once.
        """
        async with self._round:
            now = self._clock.now()
            diary = next_entry(await self._read(now), now)
            await self._keep(diary)
            if diary.as_of != now:
                logger.warning("the clock has jumped; ages are computed with caution")
            done = []
            for chore in self._chores:
                quiet = await self._quiet()
                done.append(await self._do(chore, Round(as_of=diary.as_of, quiet=quiet)))
            return done

    async def rehearse(self) -> Sequence[Done]:
        """Say what every chore would do, changing nothing."""
        now = self._clock.now()
        diary = next_entry(await self._read(now), now)
        circumstances = Round(as_of=diary.as_of, rehearsal=True)
        return [await self._do(chore, circumstances) for chore in self._chores]

    async def _watch(self) -> None:
        await asyncio.sleep(self._settling_seconds)
        while True:
            now = self._clock.now()
            diary = await self._read(now)
            if is_due(diary, now, self._settings.at_hour, self._zone):
                await self.tidy()
            elif diary != self._diary:
                await self._keep(diary)
            # Sleeping does not count the time a machine is suspended, so look often.
            await asyncio.sleep(self._look_seconds)

    async def _read(self, now: datetime) -> Diary:
        if self._diary is None:
            self._diary = await asyncio.to_thread(read_diary, self._file)
        return opened(self._diary, now)

    async def _keep(self, diary: Diary) -> None:
        """Remember the round also when the disk refuses, so that it is not done again and again."""
        self._diary = diary
        await asyncio.to_thread(keep_diary, self._file, diary)

    async def _do(self, chore: Chore, circumstances: Round) -> Done:
        began = self._clock.monotonic()
        try:
            report = await chore.run(circumstances)
        except AcoreError as error:
            logger.warning(
                "a chore failed", extra={"chore": chore.name, "problem": error.user_message}
            )
            done = Done(chore=chore.name, report=ChoreReport(), problem=error.user_message)
        except Exception:  # one chore's defect must not keep the others from running
            logger.exception("a chore failed", extra={"chore": chore.name})
            done = Done(
                chore=chore.name, report=ChoreReport(), problem="It failed; the log has details."
            )
        else:
            done = Done(chore=chore.name, report=report)
            if not circumstances.rehearsal:
                logger.info(
                    "a chore is done",
                    extra={
                        "chore": chore.name,
                        "removed": report.removed,
                        "freed_bytes": report.bytes,
                        "note": report.note,
                    },
                )
        if not circumstances.rehearsal:
            self._count(done, self._clock.monotonic() - began)
        return done

    def _count(self, done: Done, seconds: float) -> None:
        outcome = "ok" if done.problem is None else "failed"
        self._metrics.count("housekeeping_chores", chore=done.chore, outcome=outcome)
        self._metrics.count("housekeeping_removed", done.report.removed, chore=done.chore)
        self._metrics.time("housekeeping_seconds", seconds, chore=done.chore)

    async def _quiet(self) -> bool:
        """Wait for a moment in which nobody is being answered; False when none comes."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_seconds
        while await self._answering():
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(_GLANCE_SECONDS)
        return True

    async def _answering(self) -> int:
        async with self._database.reader() as snapshot:
            return await snapshot.run(_open_turns)


def _open_turns(connection: Connection) -> int:
    query = select(func.count()).select_from(turns).where(turns.c.state == "open")
    return int(connection.execute(query).scalar_one())
