"""What survives when the process does not."""

import asyncio
import os
import random
import signal
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from services.domain.errors import Busy
from services.settings import StorageSettings
from services.storage.backup import backup
from services.storage.restore import restore
from services.storage.sqlite import use_modern_sqlite
from services.storage.tables import people
from tests.unit.storage.samples import database_in

sqlite3 = use_modern_sqlite()
ROOT = Path(__file__).parents[2]

WRITER = textwrap.dedent(
    """
    import asyncio, random, sys
    from pathlib import Path
    from services.conversation.history import History
    from services.conversation.turns import TurnStore
    from services.domain.clock import SystemClock
    from services.domain.ids import MessageId, PersonaId, TurnId, UlidSource
    from services.domain.messages import Message, TextPart
    from services.domain.replies import TurnBrief, TurnKind
    from tests.unit.storage.samples import ALICE, PLACE, database_in

    async def main(folder):
        clock = SystemClock()
        ids = UlidSource(clock, random.Random())
        history, turns = History(), None
        turns = TurnStore(history, ids)
        async with database_in(folder, clock) as database:
            async with database.transaction() as tx:
                recovered = await turns.recover(tx, at=clock.now())
            print("recovered", len(recovered), flush=True)
            while True:
                message = Message(
                    id=MessageId(ids.new()), conversation=PLACE, author=ALICE,
                    parts=(TextPart(text="x" * 2000),), created_at=clock.now(),
                )
                brief = TurnBrief(
                    turn=TurnId(ids.new()), conversation=PLACE, persona=PersonaId("mira"),
                    persona_name="Mira", kind=TurnKind.REPLY, started_at=clock.now(),
                    trigger=message,
                )
                async with database.transaction() as tx:
                    await history.record(tx, message)
                print("message", message.id, flush=True)
                async with database.transaction() as tx:
                    await turns.begin(tx, brief)
                for count in range(1, 4):
                    async with database.transaction() as tx:
                        await turns.checkpoint(
                            tx, brief.turn, delivered="Sentence. " * count, sentences=count
                        )
                    print("sentence", brief.turn, count, flush=True)

    asyncio.run(main(Path(sys.argv[1])))
    """
)


async def start(folder):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        str(folder),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


async def read_some(process, lines):
    return [(await process.stdout.readline()).decode().split() for _ in range(lines)]


async def kill(process):
    process.send_signal(signal.SIGKILL)
    rest, _ = await process.communicate()
    return [line.split() for line in rest.decode().split("\n")[:-1]]


def integrity(folder):
    with closing(sqlite3.connect(folder / "acore.db")) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


@pytest.mark.timeout(120)
async def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path, clock):
    from services.conversation.history import History
    from services.conversation.turns import TurnStore
    from services.domain.ids import UlidSource
    from tests.unit.storage.samples import PLACE

    chance = random.Random(7)
    written: list[str] = []
    for _ in range(5):
        process = await start(tmp_path)
        reports = await read_some(process, 1 + chance.randrange(20, 120))
        reports += await kill(process)
        written += [report[1] for report in reports if report[0] == "message"]
        sentences = {report[1]: int(report[2]) for report in reports if report[0] == "sentence"}
        assert integrity(tmp_path) == "ok"
        history = History()
        store = TurnStore(history, UlidSource(clock, chance))
        async with database_in(tmp_path, clock) as database:
            async with database.transaction() as tx:
                recovered = await store.recover(tx, at=clock.now())
            async with database.reader() as snapshot:
                entries = await history.recent(snapshot, PLACE, limit=100_000)
        stored = {entry.message.id for entry in entries}
        assert stored.issuperset(written)
        assert [entry.ordinal for entry in entries] == list(range(1, len(entries) + 1))
        replies = {entry.turn: entry.text for entry in entries if entry.turn}
        assert recovered
        for turn, count in sentences.items():
            assert replies[turn].count("Sentence.") >= count
    assert len(written) > 20


@pytest.mark.timeout(60)
async def test_a_second_process_is_refused_in_one_sentence_until_the_first_is_killed(
    tmp_path, clock
):
    first = await start(tmp_path)
    await read_some(first, 2)
    with pytest.raises(Busy, match="Another acore is using"):
        async with database_in(tmp_path, clock):
            pass
    second = await start(tmp_path)
    output, errors = await second.communicate()
    assert second.returncode != 0
    assert output == b""
    assert "database_in_use: Another acore is using" in errors.decode().strip().split("\n")[-1]
    await kill(first)
    async with database_in(tmp_path, clock):
        pass


@pytest.mark.timeout(60)
async def test_backup_beside_a_writing_process_is_whole(tmp_path, clock):
    process = await start(tmp_path / "data")
    try:
        before = await read_some(process, 40)
        settings = StorageSettings(data=tmp_path / "data")
        copies = []
        for number in range(3):
            copies.append(await backup(settings, tmp_path / f"copy{number}.tar", clock=clock))
            assert await read_some(process, 20), "the writer was not stopped"
    finally:
        await kill(process)
    acknowledged = {report[1] for report in before if report[0] == "message"}
    for number, copy in enumerate(copies):
        restored = tmp_path / f"restored{number}"
        await restore(copy, restored, replace=False, clock=clock)
        with closing(sqlite3.connect(restored / "acore.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            stored = {row[0] for row in connection.execute("SELECT id FROM messages")}
        assert stored >= acknowledged


async def test_reading_beside_a_writing_process(tmp_path, clock):
    process = await start(tmp_path)
    try:
        await read_some(process, 10)
        async with database_in(tmp_path, clock, read_only=True) as beside:
            async with beside.reader() as snapshot:
                await snapshot.run(lambda c: c.execute(select(people)).all())
            assert await read_some(process, 5)
    finally:
        await kill(process)


async def test_a_database_killed_with_a_full_log_opens_with_everything(tmp_path, clock):
    process = await start(tmp_path)
    reports = await read_some(process, 30)
    reports += await kill(process)
    assert (tmp_path / "acore.db-wal").stat().st_size > 0
    async with (
        database_in(tmp_path, clock, read_only=True) as database,
        database.reader() as snapshot,
    ):
        count = await snapshot.run(
            lambda c: c.exec_driver_sql("SELECT count(*) FROM messages").scalar_one()
        )
    assert count >= len([report for report in reports if report[0] == "message"])
