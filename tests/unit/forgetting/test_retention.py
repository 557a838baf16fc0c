"""What is forgotten by age, and backups that must not remember it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.domain.ids import ConversationId
from services.domain.people import Role
from services.housekeeping.chore import Round
from services.housekeeping.expiry import ExpiredBackups
from services.housekeeping.retention import RETENTION_DAYS, OldMessages
from services.memory.forgetting.retention import Retention
from services.people.scopes import Asker, Scope, ScopedSettings
from services.settings import HousekeepingSettings, StorageSettings
from tests.fakes.clock import ManualClock
from tests.unit.forgetting.world import ALICE, BOB, GUILD, MIRA, World, traces, world_in

ELSEWHERE = ConversationId("discord", "1", "9")
OWNER = Asker(account=ALICE.id, role=Role.OWNER)
DAY = 86_400.0


@pytest.fixture
async def world(tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    async with world_in(tmp_path / "data", clock) as opened:
        yield opened


@pytest.fixture
def scopes(world: World, clock: ManualClock) -> ScopedSettings:
    return ScopedSettings(world.database, clock=clock)


def chore(world: World, scopes: ScopedSettings, days: float | None = None) -> OldMessages:
    retention = Retention(database=world.database, blobs=world.blobs, index=world.index)
    return OldMessages(retention, scopes, days=days)


async def test_old_messages_lose_their_words_and_facts_only_their_quotes(
    world: World, scopes: ScopedSettings, clock: ManualClock
) -> None:
    old = await world.say(
        "The crimson zeppelin leaves from platform nine", ALICE, attachment=b"crimson"
    )
    answer = await world.say("Bon voyage then!", MIRA, answers=old)
    await world.learn(old, "travels", about=ALICE, slot="plan")
    await world.sum_up(old, answer, "A crimson zeppelin was spoken of.")
    clock.advance(10 * DAY)
    new = await world.say("I feed seven herons every morning", BOB)
    report = await chore(world, scopes, days=5.0).run(Round(as_of=clock.now()))
    assert report.removed == 2
    assert await world.texts() == [new.text]
    await world.database.checkpoint()  # as the last chore of a night does
    assert traces(world.data, "crimson", "zeppelin leaves") == {}
    (fact,) = await world.rows("facts")
    assert "travels" in fact
    assert "plan: travels" in fact
    assert await world.rows("summaries") == []
    assert await world.found("zeppelin") == 0
    assert {row[7] for row in await world.rows("messages")} == {
        "1000200030004",
        "mira",
        BOB.id.user,
    }
    assert await world.rows("blobs") == []
    again = await chore(world, scopes, days=5.0).run(Round(as_of=clock.now()))
    assert again.removed == 0


async def test_places_may_keep_less_and_never_more(
    world: World, scopes: ScopedSettings, clock: ManualClock
) -> None:
    await scopes.set(RETENTION_DAYS, Scope.channel(GUILD), 1.0, asker=OWNER)
    await scopes.set(RETENTION_DAYS, Scope.channel(ELSEWHERE), 99.0, asker=OWNER)
    await world.say("Said in the brief place", ALICE)
    await world.say("Said in the lasting place", ALICE, place=ELSEWHERE)
    clock.advance(2 * DAY)
    await chore(world, scopes, days=5.0).run(Round(as_of=clock.now()))
    assert await world.texts() == []
    assert await world.texts(ELSEWHERE) == ["Said in the lasting place"]
    clock.advance(4 * DAY)
    await chore(world, scopes, days=5.0).run(Round(as_of=clock.now()))
    assert await world.texts(ELSEWHERE) == []


async def test_without_a_limit_nothing_goes_and_a_rehearsal_changes_nothing(
    world: World, scopes: ScopedSettings, clock: ManualClock
) -> None:
    await world.say("Kept for good", ALICE)
    clock.advance(9_999 * DAY)
    assert (await chore(world, scopes).run(Round(as_of=clock.now()))).removed == 0
    rehearsal = await chore(world, scopes, days=1.0).run(Round(as_of=clock.now(), rehearsal=True))
    assert rehearsal.removed == 1
    assert await world.texts() == ["Kept for good"]


async def test_more_messages_than_one_portion_are_all_forgotten(
    world: World, scopes: ScopedSettings, clock: ManualClock
) -> None:
    for number in range(230):
        await world.say(f"Number {number}", ALICE)
    clock.advance(2 * DAY)
    report = await chore(world, scopes, days=1.0).run(Round(as_of=clock.now()))
    assert report.removed == 230
    assert await world.texts() == []


def expiry(world: World) -> ExpiredBackups:
    return ExpiredBackups(
        HousekeepingSettings(daily_backups=0, weekly_backups=0),
        storage=StorageSettings(data=world.data),
        database=world.database,
    )


def backup_made(world: World, moment: datetime) -> Path:
    world.backups.mkdir(exist_ok=True)
    path = world.backups / f"acore-{moment.astimezone(UTC):%Y%m%d-%H%M%S}.tar"
    path.write_bytes(b"x")
    return path


async def test_even_the_newest_backup_goes_a_month_after_somebody_was_forgotten(
    world: World, clock: ManualClock
) -> None:
    await world.say("Something to forget", ALICE)
    newest = backup_made(world, clock.now() - timedelta(hours=1))
    clock.advance(60.0)
    receipt = await world.forgetting.forget(await world.person(ALICE))
    assert receipt.backups == 1
    clock.advance(29 * DAY)
    assert (await expiry(world).run(Round(as_of=clock.now()))).removed == 0
    clock.advance(1.1 * DAY)
    assert receipt.backups_until <= clock.now()
    assert (await expiry(world).run(Round(as_of=clock.now(), rehearsal=True))).removed == 1
    assert newest.exists()
    assert (await expiry(world).run(Round(as_of=clock.now()))).removed == 1
    assert not newest.exists()


async def test_a_backup_made_after_everything_was_forgotten_stays(
    world: World, clock: ManualClock
) -> None:
    await world.say("Something to forget", ALICE)
    await world.forgetting.forget(await world.person(ALICE))
    clock.advance(60.0)
    later = backup_made(world, clock.now())
    clock.advance(90 * DAY)
    await expiry(world).run(Round(as_of=clock.now()))
    assert later.exists()


async def test_copies_from_upgrades_and_restores_go_after_a_month(
    world: World, clock: ManualClock
) -> None:
    world.backups.mkdir()
    copy, aside = world.backups / "before-0002-x.db", world.backups / "replaced-x"
    other = world.backups / "my-own-file.db"
    aside.mkdir()
    (aside / "acore.db").write_bytes(b"x")
    copy.write_bytes(b"x")
    other.write_bytes(b"x")
    for path in (copy, aside, other):
        old = clock.now().timestamp() - 31 * DAY
        os.utime(path, (old, old))
    assert (await expiry(world).run(Round(as_of=clock.now()))).removed == 2
    assert [path.name for path in world.backups.iterdir()] == ["my-own-file.db"]
