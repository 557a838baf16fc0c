"""Servers that were left are forgotten after their days, and only those."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import ConversationId
from services.domain.people import Role
from services.housekeeping.chore import Round
from services.housekeeping.departures import Departures, LeftPlaces
from tests.fakes.clock import ManualClock
from tests.unit.forgetting.world import ALICE, BOB, GUILD, World, traces, world_in

OTHER = ConversationId("discord", "5", "6")
DIRECT = ConversationId("discord", "dm", "7")
DAY = timedelta(days=1)
SECRET = "my allotment in Zwickelford grows purple kohlrabi"


@pytest.fixture
async def world(tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    async with world_in(tmp_path / "data", clock) as opened:
        await opened.say(f"Listen: {SECRET}.", ALICE, place=GUILD)
        await opened.say("The brass kettle whistles at dawn.", BOB, place=OTHER)
        await opened.say("This is between you and me.", BOB, place=DIRECT)
        yield opened


def departures_in(world: World, *, days: float = 30.0) -> Departures:
    """What a program that has just been started has."""
    return Departures(
        database=world.database, forgetting=world.forgetting, clock=world.clock, days=days
    )


async def night(world: World, clock: ManualClock, *, rehearsal: bool = False) -> int:
    chore = LeftPlaces(departures_in(world))
    return (await chore.run(Round(as_of=clock.now(), rehearsal=rehearsal))).removed


async def test_a_server_that_was_left_is_forgotten_after_its_days(
    world: World, clock: ManualClock
) -> None:
    await departures_in(world).left("discord", "1")
    clock.advance(29 * DAY.total_seconds())
    assert await night(world, clock) == 0
    await departures_in(world).left("discord", "1")  # told again, the first time counts
    clock.advance(DAY.total_seconds())
    assert await night(world, clock, rehearsal=True) == 1
    assert len(await world.texts(GUILD)) == 1
    assert await night(world, clock) == 1
    assert traces(world.data, SECRET, "Zwickelford") == {}
    assert len(await world.texts(OTHER)) == len(await world.texts(DIRECT)) == 1
    assert await world.rows("departures") == []
    assert await night(world, clock) == 0


async def test_a_server_that_has_us_back_is_kept(world: World, clock: ManualClock) -> None:
    await departures_in(world).left("discord", "1")
    clock.advance(31 * DAY.total_seconds())
    [due] = await departures_in(world).due(as_of=clock.now())
    await departures_in(world).returned("discord", "1")
    assert await departures_in(world).forget(due) is None
    assert await night(world, clock) == 0
    assert len(await world.texts(GUILD)) == 1


async def test_a_server_that_comes_and_goes_gets_its_days_anew(
    world: World, clock: ManualClock
) -> None:
    departures = departures_in(world)
    await departures.left("discord", "1")
    clock.advance(20 * DAY.total_seconds())
    await departures.returned("discord", "1")
    await departures.left("discord", "1")
    clock.advance(20 * DAY.total_seconds())
    assert await night(world, clock) == 0


async def test_what_happened_while_nobody_listened_is_found_out(
    world: World, clock: ManualClock
) -> None:
    departures = departures_in(world, days=0.0)
    await departures.left("discord", "5")
    await departures.present("discord", ["5", "900"])
    assert [one.place for one in await departures.due(as_of=clock.now())] == ["discord:1"]
    await departures.present("discord", ["1", "5"])
    assert await departures.due(as_of=clock.now()) == []


async def test_a_server_of_which_nothing_is_known_is_no_failure(
    world: World, clock: ManualClock
) -> None:
    await departures_in(world).left("discord", "4711")
    clock.advance(31 * DAY.total_seconds())
    assert await night(world, clock) == 0
    assert await world.rows("departures") == []


async def test_only_admins_have_a_server_forgotten_at_once(world: World) -> None:
    departures = departures_in(world)
    with pytest.raises(NotAllowed):
        await departures.forget_now("discord", "1", role=Role.MODERATOR)
    assert (await departures.known_of("discord", "1")).messages == 1
    receipt = await departures.forget_now("discord", "1", role=Role.ADMIN)
    assert receipt.clean
    assert (await departures.known_of("discord", "1")).empty
    with pytest.raises(NotFound):
        await departures.forget_now("discord", "1", role=Role.ADMIN)


async def test_direct_messages_are_no_server(world: World) -> None:
    with pytest.raises(InvalidRequest, match="Direct messages"):
        await departures_in(world).forget_now("discord", "dm", role=Role.OWNER)
    assert len(await world.texts(DIRECT)) == 1
