"""The database's doors: opening, writing, reading, failing."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError, StatementError

import services.factory  # noqa: F401  brings every table in
from services.domain.errors import Busy, ConfigurationError, NotFound, StorageError
from services.settings import StorageSettings
from services.storage import migrations
from services.storage.database import Database
from services.storage.location import database_path
from services.storage.schema import HEAD, REVISIONS
from services.storage.sqlite import journal_mode, use_modern_sqlite
from services.storage.tables import conversations, metadata, people
from tests.unit.storage.samples import database_in

sqlite3 = use_modern_sqlite()
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def add_person(connection, name, moment=MOMENT):
    connection.execute(insert(people).values(id=name, display_name=name, created_at=moment))


def names(connection):
    return list(connection.execute(select(people.c.id).order_by(people.c.id)).scalars())


def count(connection):
    return connection.execute(select(func.count()).select_from(people)).scalar_one()


@pytest.fixture
async def database(tmp_path, clock):
    async with database_in(tmp_path, clock) as opened:
        yield opened


def schema_of(connection):
    """Everything SQLite itself knows of the schema, whatever the text that made it looked like."""
    found = {}
    for (table,) in connection.exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).all():
        if table == "alembic_version":
            continue
        columns = connection.exec_driver_sql(f'PRAGMA table_info("{table}")').all()
        keys = connection.exec_driver_sql(f'PRAGMA foreign_key_list("{table}")').all()
        indices = {}
        for row in connection.exec_driver_sql(f'PRAGMA index_list("{table}")').all():
            parts = connection.exec_driver_sql(f'PRAGMA index_xinfo("{row[1]}")').all()
            sql = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE name = ?", (row[1],)
            ).scalar()
            indices[row[1]] = (row[2:], [tuple(part) for part in parts], sql)
        found[table] = (
            [tuple(column) for column in columns],
            sorted(tuple(key)[2:] for key in keys),
            indices,
        )
    return found


FULL_TEXT = ("recollection_words", "note_words")


async def test_migrated_schema_is_the_one_in_tables(database, tmp_path, clock):
    async with database.reader() as snapshot:
        migrated = await snapshot.run(schema_of)
    other = database_in(tmp_path / "other", clock)
    async with other:
        async with other.transaction() as tx:
            await tx.run(lambda c: metadata.drop_all(c))
            await tx.run(lambda c: metadata.create_all(c))
        async with other.reader() as snapshot:
            described = await snapshot.run(schema_of)
    migrated = {name: table for name, table in migrated.items() if not name.startswith(FULL_TEXT)}
    described = {name: table for name, table in described.items() if not name.startswith(FULL_TEXT)}
    assert migrated == described
    assert set(migrated) == set(metadata.tables)


def test_the_newest_migration_is_the_head_the_code_expects():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from services.storage import schema

    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == HEAD
    known = tuple(script.revision for script in scripts.walk_revisions())
    assert known == tuple(reversed(REVISIONS))


async def test_a_second_start_keeps_data_and_needs_no_migration(tmp_path, clock):
    async with database_in(tmp_path, clock) as first, first.transaction() as tx:
        await tx.run(add_person, "ann")
    async with database_in(tmp_path, clock) as second, second.reader() as snapshot:
        assert await snapshot.run(names) == ["ann"]
    assert not (tmp_path / "backups").exists()


def drop_everything(connection):
    for index in FULL_TEXT:
        connection.exec_driver_sql(f"DROP TABLE {index}")
    metadata.drop_all(connection)
    connection.exec_driver_sql("DELETE FROM alembic_version")


async def test_a_database_behind_is_copied_before_it_is_upgraded(tmp_path, clock):
    async with database_in(tmp_path / "data", clock) as database, database.transaction() as tx:
        await tx.run(drop_everything)
        await tx.run(lambda c: c.exec_driver_sql("CREATE TABLE kept (word TEXT)"))
    async with database_in(tmp_path / "data", clock) as database, database.reader() as snapshot:
        assert await snapshot.run(count) == 0
    (copy,) = (tmp_path / "backups").iterdir()
    with closing(sqlite3.connect(copy)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert {row[0] for row in tables} - {"sqlite_sequence"} == {"alembic_version", "kept"}


def rows_of(table, connection):
    return connection.execute(select(table)).all()


def upgraded_to(revision, path):
    """Write a database as the version of acore with ``revision`` left it, with somebody in it."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        add_person(connection, "ann")
    engine.dispose()


async def test_what_the_version_before_the_everyday_services_kept_is_still_there(tmp_path, clock):
    upgraded_to("0004", database_path(StorageSettings(data=tmp_path)))
    async with database_in(tmp_path, clock) as database, database.reader() as snapshot:
        assert await snapshot.run(names) == ["ann"]
        for table in ("reminders", "notes", "lists", "projects", "mcp_pins"):
            assert await snapshot.run(partial(rows_of, metadata.tables[table])) == []
    async with database_in(tmp_path / "fresh", clock) as fresh, fresh.reader() as snapshot:
        wanted = await snapshot.run(schema_of)
    async with database_in(tmp_path, clock) as database, database.reader() as snapshot:
        assert await snapshot.run(schema_of) == wanted


async def test_a_copy_before_an_upgrade_stays_inside_where_nothing_else_is_writable(
    tmp_path, clock
):
    async with database_in(tmp_path / "data", clock) as database, database.transaction() as tx:
        await tx.run(drop_everything)
    (tmp_path / "backups").write_text("a file where the folder would be")
    async with database_in(tmp_path / "data", clock):
        pass
    assert len(list((tmp_path / "data" / "backups").iterdir())) == 1


async def test_a_failed_upgrade_leaves_the_database_as_it_was(tmp_path, clock):
    async with database_in(tmp_path / "data", clock) as database, database.transaction() as tx:
        await tx.run(drop_everything)
        await tx.run(lambda c: c.exec_driver_sql("CREATE TABLE turns (word TEXT)"))
    with pytest.raises(StorageError, match="left as it was"):
        async with database_in(tmp_path / "data", clock):
            pass
    with closing(sqlite3.connect(tmp_path / "data" / "acore.db")) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert {row[0] for row in tables} - {"sqlite_sequence"} == {"alembic_version", "turns"}


async def test_a_newer_database_is_refused_in_one_sentence(tmp_path, clock):
    async with database_in(tmp_path, clock) as database, database.transaction() as tx:
        await tx.run(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer acore") as refusal:
        async with database_in(tmp_path, clock):
            pass
    assert refusal.value.code == "database_newer"


async def test_another_programs_database_is_refused(tmp_path, clock):
    with closing(sqlite3.connect(tmp_path / "acore.db")) as connection:
        connection.execute("CREATE TABLE theirs (word TEXT)")
    before = (tmp_path / "acore.db").read_bytes()
    with pytest.raises(StorageError, match="another program"):
        async with database_in(tmp_path, clock):
            pass
    assert (tmp_path / "acore.db").read_bytes() == before


@pytest.mark.parametrize("damage", ["garbage", "truncated", "overwritten"])
async def test_a_damaged_file_is_refused_and_not_touched(tmp_path, clock, damage):
    async with database_in(tmp_path, clock) as database, database.transaction() as tx:
        for number in range(500):
            await tx.run(add_person, f"person {number}")
    file = tmp_path / "acore.db"
    sound = file.read_bytes()
    file.write_bytes(
        {
            "garbage": b"not a database at all " * 100,
            "truncated": sound[: len(sound) // 2],
            "overwritten": sound[:8192] + b"\xff" * (len(sound) - 8192),
        }[damage]
    )
    before = file.read_bytes()
    with pytest.raises(StorageError, match="not a sound database") as refusal:
        async with database_in(tmp_path, clock):
            pass
    assert refusal.value.code == "database_damaged"
    assert file.read_bytes() == before
    file.write_bytes(sound)
    async with database_in(tmp_path, clock) as database, database.reader() as snapshot:
        assert await snapshot.run(count) == 500


async def test_a_folder_that_cannot_be_made_is_named(tmp_path, clock):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="file/data"):
        async with database_in(tmp_path / "file" / "data", clock):
            pass


async def test_second_opening_is_refused_until_the_first_ends(tmp_path, clock):
    async with database_in(tmp_path, clock):
        with pytest.raises(Busy, match=r"Another acore is using .*--data") as refusal:
            async with database_in(tmp_path, clock):
                pass
        assert refusal.value.code == "database_in_use"
    async with database_in(tmp_path, clock):
        pass


async def test_reading_only_works_beside_the_writer_and_cannot_write(database, tmp_path, clock):
    async with database.transaction() as tx:
        await tx.run(add_person, "ann")
    async with database_in(tmp_path, clock, read_only=True) as beside:
        async with beside.reader() as snapshot:
            assert await snapshot.run(names) == ["ann"]
        with pytest.raises(RuntimeError, match="not open for writing"):
            async with beside.transaction():
                pass


async def test_reading_only_makes_nothing(tmp_path, clock):
    with pytest.raises(NotFound):
        async with database_in(tmp_path / "none", clock, read_only=True):
            pass
    assert not (tmp_path / "none").exists()


async def test_a_block_that_raises_changes_nothing(database):
    async def fail():
        async with database.transaction() as tx:
            await tx.run(add_person, "ann")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with database.reader() as snapshot:
        assert await snapshot.run(names) == []


async def test_commit_actions_run_only_for_what_was_stored(database):
    done = []
    async with database.transaction() as tx:
        await tx.run(add_person, "ann")
        tx.on_commit(lambda: done.append("ann"))
        assert done == []
    assert done == ["ann"]

    async def fail():
        async with database.transaction() as tx:
            tx.on_commit(lambda: done.append("bob"))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert done == ["ann"]


async def test_a_cancelled_block_rolls_back_and_the_next_one_writes(database):
    inside = asyncio.Event()

    async def write_and_wait():
        async with database.transaction() as tx:
            await tx.run(add_person, "ann")
            inside.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(write_and_wait())
        await inside.wait()
        task.cancel()
    async with database.transaction() as tx:
        await tx.run(add_person, "bob")
    async with database.reader() as snapshot:
        assert await snapshot.run(names) == ["bob"]


async def test_eight_tasks_that_read_then_write_lose_no_update(database):
    def start(connection):
        connection.execute(
            insert(conversations).values(
                id="c",
                platform="p",
                scope="s",
                channel="c",
                created_at=MOMENT,
                last_activity_at=MOMENT,
                next_ordinal=0,
            )
        )

    def read(connection):
        return connection.execute(select(conversations.c.next_ordinal)).scalar_one()

    def set_to(connection, value):
        connection.execute(update(conversations).values(next_ordinal=value))

    async def add_one(times):
        for _ in range(times):
            async with database.transaction() as tx:
                value = await tx.run(read)
                await asyncio.sleep(0)
                await tx.run(set_to, value + 1)

    async with database.transaction() as tx:
        await tx.run(start)
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(add_one(20))
    async with database.reader() as snapshot:
        assert await snapshot.run(read) == 160


async def test_a_reader_sees_one_moment_while_others_write(database):
    async with database.reader() as snapshot:
        assert await snapshot.run(count) == 0
        async with database.transaction() as tx:
            await tx.run(add_person, "ann")
        assert await snapshot.run(count) == 0
    async with database.reader() as snapshot:
        assert await snapshot.run(count) == 1


async def test_readers_cannot_write(database):
    with pytest.raises(StorageError):
        async with database.reader() as snapshot:
            await snapshot.run(add_person, "ann")
    async with database.reader() as snapshot:
        assert await snapshot.run(count) == 0


async def test_more_readers_than_connections_wait_their_turn(database):
    async def read():
        async with database.reader() as snapshot:
            await asyncio.sleep(0)
            return await snapshot.run(count)

    assert await asyncio.gather(*(read() for _ in range(40))) == [0] * 40


async def test_nesting_is_refused_instead_of_waiting_for_ever(database):
    async with database.transaction():
        with pytest.raises(RuntimeError, match="nest"):
            async with database.transaction():
                pass


async def test_a_transaction_is_of_no_use_after_its_block(database):
    async with database.transaction() as tx:
        pass
    with pytest.raises(RuntimeError, match="ended"):
        await tx.run(names)


async def test_a_full_disk_is_said_and_the_database_stays_usable(database):
    def limit(connection, pages):
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def pages(connection):
        return connection.exec_driver_sql("PRAGMA page_count").scalar()

    async with database.transaction() as tx:
        await tx.run(add_person, "ann")
        await tx.run(limit, await tx.run(pages) + 4)

    async def write():
        async with database.transaction() as tx:
            for number in range(1000):
                await tx.run(add_person, f"{number} " + "x" * 500)

    with pytest.raises(StorageError, match="no space left") as failure:
        await write()
    assert failure.value.code == "disk_full"
    async with database.transaction() as tx:
        assert await tx.run(names) == ["ann"]
        await tx.run(limit, 100_000)
    async with database.transaction() as tx:
        await tx.run(add_person, "bob")
    async with database.reader() as snapshot:
        assert await snapshot.run(names) == ["ann", "bob"]


async def test_nothing_is_saved_when_a_full_disk_is_ignored_inside_the_block(database):
    def fill(connection):
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(1000):
            add_person(connection, f"{number} " + "x" * 500)

    async def carry_on():
        async with database.transaction() as tx:
            await tx.run(add_person, "ann")
            with pytest.raises(StorageError):
                await tx.run(fill)

    with pytest.raises(StorageError, match="not saved"):
        await carry_on()
    async with database.reader() as snapshot:
        assert await snapshot.run(names) == []


async def test_another_writer_in_the_way_is_busy_not_broken(tmp_path, clock):
    settings = StorageSettings(data=tmp_path, busy_timeout_seconds=0.1)
    async with Database(settings, clock=clock) as database:
        with closing(sqlite3.connect(tmp_path / "acore.db", isolation_level=None)) as intruder:
            intruder.execute("BEGIN IMMEDIATE")
            with pytest.raises(Busy):
                async with database.transaction() as tx:
                    await tx.run(add_person, "ann")
            intruder.execute("ROLLBACK")
        async with database.transaction() as tx:
            await tx.run(add_person, "ann")


async def test_a_bug_of_ours_is_not_dressed_up_as_a_storage_failure(database):
    async def write_twice():
        async with database.transaction() as tx:
            await tx.run(add_person, "ann")
            await tx.run(add_person, "ann")

    with pytest.raises(IntegrityError):
        await write_twice()


async def test_moments_come_back_aware_in_utc_and_naive_ones_are_refused(database):
    local = datetime(2026, 1, 1, 3, tzinfo=timezone(timedelta(hours=3)))
    async with database.transaction() as tx:
        await tx.run(add_person, "ann", local)
        stored = await tx.run(lambda c: c.execute(select(people.c.created_at)).scalar_one())
    assert stored == MOMENT
    assert stored.utcoffset() == timedelta(0)
    with pytest.raises(StatementError, match="time zone"):
        async with database.transaction() as tx:
            await tx.run(add_person, "bob", local.replace(tzinfo=None))


async def test_erased_words_are_gone_from_the_files_bytes(database, tmp_path):
    secret = "the-heron-flies-at-midnight" * 40
    async with database.transaction() as tx:
        await tx.run(add_person, secret)
    await database.checkpoint()
    assert secret.encode() in (tmp_path / "acore.db").read_bytes()
    async with database.transaction() as tx:
        await tx.run(lambda c: c.execute(people.delete()))
    await database.checkpoint()
    for file in tmp_path.glob("acore.db*"):
        assert b"heron-flies" not in file.read_bytes(), file.name


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (None, "data/acore.db"),
        ("elsewhere/my.db", "elsewhere/my.db"),
        ("sqlite:///elsewhere/my.db", "elsewhere/my.db"),
        ("sqlite+aiosqlite:////var/my.db", "/var/my.db"),
    ],
)
def test_database_path(url, path):
    assert database_path(StorageSettings(url=url)) == Path(path)


@pytest.mark.parametrize("url", ["postgresql://host/acore", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url):
    with pytest.raises(ConfigurationError):
        database_path(StorageSettings(url=url))


@pytest.mark.parametrize(
    ("version", "mode"), [((3, 51, 2), "DELETE"), ((3, 51, 3), "WAL"), ((3, 53, 0), "WAL")]
)
def test_write_ahead_log_only_where_it_is_safe(version, mode):
    assert journal_mode(version) == mode
