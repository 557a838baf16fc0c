"""Reminders are told at their moment, once, and none is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from services.domain.ids import ConversationId
from services.reminders.outcomes import Pace
from services.reminders.posts import Posting
from services.reminders.reminder import State
from tests.fakes.clock import ManualClock
from tests.fakes.reminders import PLACE, SAM, RecordingPost, reminder_world

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def world(tmp_path):
    async with reminder_world(tmp_path, ManualClock()) as opened:
        yield opened


async def settled(world, state: State):
    await world.until(lambda rows: all(row["state"] == state.value for row in rows))


async def test_told_at_its_moment_and_not_before(world):
    post = RecordingPost()
    world.posts.register("test", post)
    async with world.dispatcher():
        await world.add("now")
        await world.add("later", in_=60)
        await post.tries(1)
        world.clock.advance(59)
        world.posts.news()
        await asyncio.sleep(0.1)
        assert [one.text for one in post.told] == ["now"]
        world.clock.advance(1)
        world.posts.news()
        await post.tries(2)
        await settled(world, State.SHOWN)
    assert [one.text for one in post.told] == ["now", "later"]
    assert not any(one.late or one.uncertain for one in post.told)


async def test_overdue_at_boot_is_told_late_and_not_deleted(world):
    await world.add("call the bank")
    world.clock.advance(86_400)
    post = RecordingPost()
    world.posts.register("test", post)
    async with world.dispatcher():
        [told] = await post.tries(1)
        await settled(world, State.SHOWN)
    assert told.late
    assert told.remark == "This was due at Thu 2026-01-01 13:00 (Europe/Berlin)."


async def test_without_anybody_to_tell_it_stays_due_until_a_frontend_comes(world):
    async with world.dispatcher():
        await world.add()
        await asyncio.sleep(0.1)
        [row] = await world.rows()
        assert (row["state"], row["attempts"]) == ("open", 0)
        post = RecordingPost()
        world.posts.register("test", post)
        [told] = await post.tries(1)
        assert not told.uncertain


async def test_an_absent_person_costs_no_try(world):
    post = RecordingPost(*[Posting.ABSENT] * 10)
    world.posts.register("test", post)
    async with world.dispatcher():
        await world.add()
        for _ in range(10):
            tried = len(post.tried)
            world.clock.advance(1)
            world.posts.news()
            await post.tries(tried + 1)
            await asyncio.sleep(0.02)
        world.clock.advance(1)
        world.posts.news()
        await settled(world, State.SHOWN)
    assert not post.told[0].private
    assert not post.told[0].uncertain


async def test_failures_are_retried_then_moved_to_private_then_kept_and_listed(world):
    post = RecordingPost(*[Posting.FAILED] * 6)
    world.posts.register("test", post)
    async with world.dispatcher():
        await world.add()
        tried = await post.tries(6)
        await settled(world, State.UNDELIVERED)
    assert [one.private for one in tried] == [False] * 3 + [True] * 3
    assert len({one.nonce for one in tried}) == 1
    [kept] = await world.service.listed(by=SAM)
    assert kept.state is State.UNDELIVERED
    assert post.told == []


async def test_retries_wait_longer_and_longer(world):
    post = RecordingPost(Posting.FAILED, Posting.FAILED)
    world.posts.register("test", post)
    start = world.clock.now()
    async with world.dispatcher(Pace(pauses=(10.0, 60.0))):
        await world.add()
        await post.tries(1)
        await world.until(lambda rows: rows[0]["wake_at"] == start + timedelta(seconds=10))
        world.clock.advance(10)
        world.posts.news()
        await post.tries(2)
        await world.until(lambda rows: rows[0]["wake_at"] == start + timedelta(seconds=70))


async def test_a_place_that_is_gone_moves_it_at_once(world):
    post = RecordingPost(Posting.GONE)
    world.posts.register("test", post)
    async with world.dispatcher():
        await world.add()
        tried = await post.tries(2)
        await settled(world, State.SHOWN)
    assert [one.private for one in tried] == [False, True]


async def test_a_frontend_that_raises_has_perhaps_shown_it(world):
    post = RecordingPost(RuntimeError("torn"))
    world.posts.register("test", post)
    async with world.dispatcher():
        await world.add()
        first, second = (await post.tries(2))[:2]
        await settled(world, State.SHOWN)
    assert (first.uncertain, second.uncertain) == (False, True)
    assert first.nonce == second.nonce
    assert second.tried_at is not None


async def test_what_a_dead_process_had_begun_is_told_as_possibly_repeated(world):
    begun = asyncio.Event()

    async def never(_announcement):
        begun.set()
        await asyncio.Event().wait()

    dying = RecordingPost()
    dying.hold = never
    world.posts.register("test", dying)
    async with world.dispatcher():
        await world.add()
        async with asyncio.timeout(20):
            await begun.wait()
    post = RecordingPost()
    world.posts.register("test", post)
    async with world.dispatcher():
        [told] = await post.tries(1)
        await settled(world, State.SHOWN)
    assert told.uncertain


async def test_what_is_cancelled_while_it_waits_is_never_told(world):
    post = RecordingPost()
    world.posts.register("test", post)
    async with world.dispatcher():
        kept = await world.add(in_=60)
        await world.service.cancel(kept.number, by=SAM)
        world.clock.advance(61)
        world.posts.news()
        await asyncio.sleep(0.1)
    assert post.tried == []


async def test_a_clock_set_forward_tells_it_and_one_set_back_tells_nothing_twice(world):
    post = RecordingPost()
    world.posts.register("test", post)
    start = world.clock.now()
    async with world.dispatcher():
        await world.add("once", in_=3600)
        world.clock.set(start + timedelta(days=1))
        world.posts.news()
        await post.tries(1)
        await settled(world, State.SHOWN)
        world.clock.set(start)
        world.posts.news()
        await asyncio.sleep(0.1)
    assert [one.text for one in post.told] == ["once"]


async def test_a_retry_put_off_by_a_clock_that_was_wrong_does_not_wait_for_that_day(world):
    post = RecordingPost(Posting.FAILED)
    world.posts.register("test", post)
    start = world.clock.now()
    async with world.dispatcher(Pace(pauses=(10.0, 60.0))):
        await world.add(in_=3600)
        world.clock.set(start + timedelta(days=365))
        world.posts.news()
        await post.tries(1)
        await world.until(lambda rows: rows[0]["wake_at"] > start + timedelta(days=300))
        world.clock.set(start)
        world.posts.news()
        await post.tries(2)
        await settled(world, State.SHOWN)


async def test_a_zone_that_is_gone_stops_nothing(world):
    post = RecordingPost()
    world.posts.register("test", post)
    async with world.dispatcher():
        await world.add(timezone="Mars/Olympus_Mons")
        world.clock.advance(3600)
        world.posts.news()
        [told] = await post.tries(1)
    assert told.moment.endswith("(UTC)")


async def test_one_crowded_place_does_not_starve_the_others(world):
    many = [world.reminder(f"crowd {n}", world.clock.now(), number=n) for n in range(300)]
    other = ConversationId("test", "guild", "zzz")
    alone = world.reminder("alone", world.clock.now(), number=300, conversation=other)
    await world.add_many([*many, alone])
    turn = asyncio.Semaphore(0)

    async def paced(announcement):
        if announcement.conversation == PLACE:
            await turn.acquire()

    post = RecordingPost()
    post.hold = paced
    world.posts.register("test", post)
    async with world.dispatcher():
        [first] = (await post.tries(1))[:1]
        assert first.text == "alone"
        for _ in range(300):
            turn.release()
        await post.tries(301)
        await settled(world, State.SHOWN)
    assert len({one.nonce for one in post.told}) == 301
