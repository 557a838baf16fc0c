"""The service: every chore has its chance, once a night, and nobody is kept waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from services.conversation.history_tree import open_conversation
from services.domain.errors import StorageError
from services.domain.ids import ConversationId
from services.housekeeping.chore import Chore, ChoreReport, Round
from services.housekeeping.chores import every_chore
from services.housekeeping.schedule import read_diary
from services.housekeeping.service import DIARY, Housekeeping
from services.observability.metrics import Metrics
from services.settings import HousekeepingSettings, Settings, StorageSettings
from services.storage.blobs import BlobStore
from services.storage.database import Database
from services.storage.tables import turns
from tests.fakes.clock import ManualClock
from tests.unit.housekeeping.samples import NOW, converse, turn
from tests.unit.storage.samples import database_in

DAY = 24 * 3600.0


class Noted:
    """A chore that notes its rounds, or fails."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name = name
        self.rounds: list[Round] = []
        self._error = error

    async def run(self, circumstances: Round, /) -> ChoreReport:
        self.rounds.append(circumstances)
        if self._error is not None:
            raise self._error
        return ChoreReport(removed=2, bytes=10)


@pytest.fixture
async def database(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Database]:
    async with database_in(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


Make = Callable[..., Housekeeping]


@pytest.fixture
def make(tmp_path: Path, database: Database, clock: ManualClock, metrics: Metrics) -> Make:
    def made(chores: Sequence[Chore], *, enabled: bool = True, **how: float) -> Housekeeping:
        return Housekeeping(
            HousekeepingSettings(at_hour=4, enabled=enabled),
            data=tmp_path,
            database=database,
            clock=clock,
            chores=chores,
            metrics=metrics,
            zone=UTC,
            **{"look_seconds": 0.01, "settling_seconds": 0.0, "patience_seconds": 0.0, **how},
        )

    return made


async def looked() -> None:
    """Let the service look at the clock some times, which changes nothing."""
    await asyncio.sleep(0.15)


async def until(condition: Callable[[], object]) -> None:
    """Wait for what the service does when it looks at the clock."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  what is waited for happens on a thread
            await asyncio.sleep(0.005)


async def test_a_chore_that_fails_stops_no_other(make: Make, metrics: Metrics) -> None:
    chores = [
        Noted("first"),
        Noted("defect", ZeroDivisionError()),
        Noted("full", StorageError("disk_full", "There is no space left.")),
        Noted("last"),
    ]
    done = await make(chores).tidy()
    assert [each.problem for each in done] == [
        None,
        "It failed; the log has details.",
        "There is no space left.",
        None,
    ]
    assert all(len(chore.rounds) == 1 for chore in chores)
    assert metrics.counted("housekeeping_chores", chore="last", outcome="ok") == 1
    assert metrics.counted("housekeeping_chores", chore="defect", outcome="failed") == 1
    assert metrics.counted("housekeeping_removed", chore="last") == 2


async def test_once_a_night_and_not_at_the_first_start(make: Make, clock: ManualClock) -> None:
    chore = Noted("noted")
    async with make([chore]):
        await looked()
        assert chore.rounds == []
        clock.set(datetime(2026, 1, 2, 3, 59, tzinfo=UTC))
        await looked()
        assert chore.rounds == []
        clock.set(datetime(2026, 1, 2, 4, 0, tzinfo=UTC))
        await until(lambda: chore.rounds)
        clock.set(datetime(2026, 1, 3, 3, 0, tzinfo=UTC))
        await looked()
        assert [each.as_of for each in chore.rounds] == [datetime(2026, 1, 2, 4, 0, tzinfo=UTC)]


async def test_a_night_without_power_is_made_up_for_at_the_next_start(
    make: Make, clock: ManualClock, tmp_path: Path
) -> None:
    before, after = Noted("before"), Noted("after")
    async with make([before]):
        await until((tmp_path / DIARY).exists)
    clock.advance(2 * DAY)
    async with make([after]):
        await until(lambda: after.rounds)
        await looked()
    assert len(after.rounds) == 1
    async with make([before]):
        await looked()
    assert before.rounds == []


async def test_a_round_that_ends_the_process_is_not_tried_again_at_once(
    make: Make, clock: ManualClock, tmp_path: Path
) -> None:
    class Fatal(Noted):
        async def run(self, circumstances: Round, /) -> ChoreReport:
            await super().run(circumstances)
            raise SystemExit

    chore = Fatal("fatal")
    with pytest.raises(SystemExit):
        await make([chore]).tidy()
    async with make([chore]):
        await looked()
    assert len(chore.rounds) == 1
    diary = read_diary(tmp_path / DIARY)
    assert diary is not None
    assert diary.ran_at == clock.now()


async def test_switched_off_it_does_nothing(make: Make, clock: ManualClock) -> None:
    chore = Noted("noted")
    clock.advance(-9 * DAY)
    await make([Noted("earlier")]).tidy()
    clock.advance(9 * DAY)
    async with make([chore], enabled=False):
        await looked()
    assert chore.rounds == []


async def test_a_jump_of_the_clock_is_kept_from_the_chores(make: Make, clock: ManualClock) -> None:
    chore = Noted("noted")
    await make([chore]).tidy()
    clock.advance(365 * DAY)
    await make([chore]).tidy()
    assert chore.rounds[1].as_of == NOW + timedelta(days=1)


async def test_a_folder_that_cannot_be_written_does_not_repeat_the_round(
    make: Make, clock: ManualClock, tmp_path: Path
) -> None:
    (tmp_path / f"{DIARY}.part").mkdir()
    chore = Noted("noted")
    async with make([chore]):
        await looked()
        clock.advance(DAY)
        await until(lambda: chore.rounds)
        await looked()
    assert len(chore.rounds) == 1


async def test_it_waits_for_the_end_of_an_answer_and_then_no_longer(
    make: Make, database: Database
) -> None:
    chore = Noted("noted")
    async with database.transaction() as tx:
        await tx.run(converse)
        await tx.run(lambda c: c.execute(insert(turns).values(**turn("t", None))))
    async with asyncio.TaskGroup() as group:
        work = group.create_task(make([chore], patience_seconds=30.0).tidy())
        await looked()
        assert chore.rounds == []
        async with database.transaction() as tx:
            await tx.run(lambda c: c.execute(update(turns).values(state="finished")))
        await work
    assert chore.rounds[0].quiet
    async with database.transaction() as tx:
        await tx.run(lambda c: c.execute(update(turns).values(state="open")))
    await make([chore], patience_seconds=0.0).tidy()
    assert not chore.rounds[1].quiet


async def test_rehearsing_all_chores_changes_no_file(
    tmp_path: Path, clock: ManualClock, database: Database
) -> None:
    settings = Settings(storage=StorageSettings(data=tmp_path))
    async with database.transaction() as tx:
        await tx.run(converse)
    await database.checkpoint()
    before = _files(tmp_path)
    async with database_in(tmp_path, clock, read_only=True) as beside:
        blobs = BlobStore(settings.storage, database=beside, clock=clock)
        chores = every_chore(settings, database=beside, blobs=blobs, clock=clock)
        housekeeping = Housekeeping(
            settings.housekeeping,
            data=tmp_path,
            database=beside,
            clock=clock,
            chores=chores,
            metrics=Metrics(),
        )
        done = await housekeeping.rehearse()
    assert [each.problem for each in done] == [None] * len(chores)
    assert len({each.chore for each in done}) == len(chores)
    assert _files(tmp_path) == before


async def test_all_chores_get_along_while_people_talk(
    tmp_path: Path, clock: ManualClock, database: Database, metrics: Metrics
) -> None:
    settings = Settings(
        storage=StorageSettings(data=tmp_path),
        housekeeping=HousekeepingSettings(backups=tmp_path.parent / f"{tmp_path.name}-copies"),
    )
    blobs = BlobStore(settings.storage, database=database, clock=clock)
    housekeeping = Housekeeping(
        settings.housekeeping,
        data=tmp_path,
        database=database,
        clock=clock,
        chores=every_chore(settings, database=database, blobs=blobs, clock=clock),
        metrics=metrics,
    )
    written = 0

    async def talk() -> None:
        nonlocal written
        while True:
            async with database.steps() as tx:
                await tx.run(open_conversation, ConversationId("test", "x", str(written)), at=NOW)
            written += 1
            await blobs.put(f"picture {written}".encode(), media_type="image/png")

    async with asyncio.TaskGroup() as group:
        talking = group.create_task(talk())
        for _ in range(3):
            clock.advance(1)
            done = await housekeeping.tidy()
            assert [each.problem for each in done] == [None] * len(done)
        talking.cancel()
    assert written > 3
    assert all(path.exists() for path in (tmp_path / "blobs").glob("*/*"))


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }
