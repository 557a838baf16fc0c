"""Backups and restores that are killed, or run out of disk, at every step."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from services.domain.errors import StorageError
from services.settings import StorageSettings
from services.storage.archive import open_archive
from services.storage.backup import backup
from services.storage.tables import people
from tests.fakes.clock import ManualClock
from tests.unit.storage.samples import database_in

ROOT = Path(__file__).parents[2]

# Everything a process does to files passes an audit hook, so a child can be killed at each of those
# moments in turn. One parent forks them all: starting Python anew would take most of the time.
PARENT = textwrap.dedent(
    """
    import asyncio, json, os, resource, signal, sys, threading
    from datetime import UTC, datetime
    from pathlib import Path
    from services.settings import StorageSettings
    from services.storage import backup as backups, restore as restores
    from services.storage.archive import open_archive
    from tests.integration.test_backup_crash import furnish, state

    EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")
    folder, action = Path(sys.argv[1]), sys.argv[2]
    MOMENT = datetime(2026, 1, 2, tzinfo=UTC)

    def killed_at(wanted, task):
        # Return whether the child reached that moment; None for its own failure.
        child = os.fork()
        if not child:
            seen = 0

            def hook(event, arguments):
                nonlocal seen
                if event in EVENTS and str(folder) in str(arguments):
                    seen += 1
                    if seen == wanted:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(hook)
            try:
                task()
            except BaseException as error:
                print("child failed", repr(error), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return True
        return False if os.WEXITSTATUS(status) == 0 else None

    def every_moment(task, after):
        for moment in range(1, 500):
            reached = killed_at(moment, lambda: task(moment))
            print(json.dumps({"reached": reached, **after(moment)}), flush=True)
            if not reached:
                return

    def backing_up():
        settings = StorageSettings(data=folder / "data")
        furnish(folder / "data", "old")
        copies = folder / "copies"
        copies.mkdir()
        first = copies / "acore-20260101-000000.tar"
        backups._backup(settings, first, now=MOMENT, stop=threading.Event())

        def task(moment):
            target = copies / f"acore-20260102-{moment:06}.tar"
            backups._backup(settings, target, now=MOMENT, stop=threading.Event())

        def after(moment):
            archives = sorted(copies.glob("*.tar"))
            for number, archive in enumerate(archives):
                into = folder / "check" / f"{moment}-{number}"
                into.mkdir(parents=True)
                with open_archive(archive) as reader:
                    reader.extract(into, written=lambda path: None)
                assert (into / "characters/old/card.json").exists()
            assert first in archives
            return {"archives": len(archives)}

        every_moment(task, after)
        task(999)
        print(json.dumps({"left": sorted(path.name for path in copies.glob("*.part"))}))

    def restoring():
        furnish(folder / "source", "new")
        archive = folder / "acore-20260101-000000.tar"
        source = StorageSettings(data=folder / "source")
        backups._backup(source, archive, now=MOMENT, stop=threading.Event())

        def target(moment):
            return folder / f"target{moment}"

        def task(moment):
            restores._restore(archive, target(moment), replace=True, moment="20260102-000000")

        def after(moment):
            data = target(moment)
            return {
                "state": state(data),
                "left": sorted(path.name for path in data.glob("restor*")),
                "aside": [state(path) for path in data.glob("replaced-*")],
            }

        for moment in range(1, 120):
            furnish(target(moment), "old")
        every_moment(task, after)

    {"backup": backing_up, "restore": restoring}[action]()
    """
)


def furnish(data: Path, name: str) -> None:
    """Make a data folder in which everything bears ``name``."""

    def add(connection: Connection) -> None:
        moment = ManualClock().now()
        connection.execute(insert(people).values(id=name, display_name=name, created_at=moment))
        connection.exec_driver_sql(
            "INSERT INTO blobs VALUES (?, 3, 'text/plain', ?, ?)",
            (_digest(name), "2026-01-01 00:00:00", "2026-01-01 00:00:00"),
        )

    async def fill() -> None:
        async with database_in(data, ManualClock()) as database, database.transaction() as tx:
            await tx.run(add)

    asyncio.run(fill())
    digest = _digest(name)
    for path in (
        data / "characters" / name / "card.json",
        data / "blobs" / digest[:2] / digest[2:],
    ):
        path.parent.mkdir(parents=True)
        path.write_text(name)


def state(data: Path) -> list[list[str]]:
    """Start acore over ``data`` and say whose database, attachments and characters lie there."""

    async def look() -> list[str]:
        async with database_in(data, ManualClock()) as database, database.reader() as snapshot:
            rows = await snapshot.run(lambda c: c.exec_driver_sql("SELECT id FROM people").all())
            return [str(row[0]) for row in rows]

    whose = asyncio.run(look())
    blobs = [path.read_text() for path in sorted((data / "blobs").glob("??/*"))]
    characters = [path.name for path in sorted((data / "characters").iterdir())]
    return [whose, blobs, characters]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def killed_everywhere(folder: Path, action: str) -> list[dict[str, Any]]:
    run = subprocess.run(
        [sys.executable, "-c", PARENT, str(folder), action],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.timeout(120)
def test_a_backup_killed_anywhere_leaves_only_whole_archives(tmp_path: Path) -> None:
    *moments, end = killed_everywhere(tmp_path, "backup")
    assert len(moments) > 10
    assert [each["reached"] for each in moments] == [True] * (len(moments) - 1) + [False]
    assert moments[0]["archives"] == 1
    assert moments[-1]["archives"] >= 2
    assert end["left"] == []


@pytest.mark.timeout(240)
def test_a_restore_killed_anywhere_leaves_the_old_or_the_new_and_loses_neither(
    tmp_path: Path,
) -> None:
    moments = killed_everywhere(tmp_path, "restore")
    old, new = ([[name], [name], [name]] for name in ("old", "new"))
    assert len(moments) > 20
    assert [each["reached"] for each in moments] == [True] * (len(moments) - 1) + [False]
    states = [each["state"] for each in moments]
    turning = states.index(new)
    assert 5 < turning < len(moments) - 5
    assert states == [old] * turning + [new] * (len(moments) - turning)
    for each in moments:
        assert each["aside"] == ([old] if each["state"] == new else [])
        assert not [name for name in each["left"] if not name.endswith(".part")]


@pytest.mark.parametrize("limit", [4096, 150_000, 300_000])
@pytest.mark.timeout(60)
def test_a_backup_that_hits_a_size_limit_leaves_the_old_ones_and_nothing_else(
    tmp_path: Path, limit: int
) -> None:
    furnish(tmp_path / "data", "old")
    copies = tmp_path / "copies"
    copies.mkdir()
    program = textwrap.dedent(
        f"""
        import asyncio, resource, sys
        from pathlib import Path
        from services.domain.errors import StorageError
        from services.settings import StorageSettings
        from services.storage.backup import backup
        from tests.fakes.clock import ManualClock

        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        settings = StorageSettings(data=Path(sys.argv[1]) / "data")
        try:
            asyncio.run(backup(settings, Path(sys.argv[1]) / "copies", clock=ManualClock()))
        except StorageError as error:
            sys.exit(error.user_message)
        """
    )
    old = copies / "acore-20250101-000000.tar"
    old.write_text("an older backup")
    big = tmp_path / "data" / "characters" / "big" / "card.json"
    big.parent.mkdir()
    big.write_bytes(b"x" * 400_000)
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    assert run.stderr.strip().startswith("The backup cannot be written to ")
    assert list(copies.iterdir()) == [old]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes, where the system lets us have one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("size", [100_000, 2_000_000])
async def test_a_disk_that_fills_up_meanwhile_keeps_the_old_backups(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    data = tmp_path / "data"
    await asyncio.to_thread(furnish, data, "old")
    (data / "characters" / "big.json").write_bytes(os.urandom(size))
    clock = ManualClock()
    settings = StorageSettings(data=data)
    old = small_disk / "acore-20250101-000000.tar"
    old.write_text("an older backup")
    (small_disk / "others").write_bytes(b"x" * 1_800_000)
    plenty = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: plenty)
    with pytest.raises(StorageError, match="cannot be written") as failed:
        await backup(settings, small_disk, clock=clock)
    assert failed.value.code == "backup_failed"
    assert names(small_disk) == [old.name, "others"]
    (small_disk / "others").unlink()
    (data / "characters" / "big.json").unlink()
    made = await backup(settings, small_disk, clock=clock)
    with open_archive(made) as archive:
        assert archive.manifest.counts["people"] == 1
