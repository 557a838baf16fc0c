"""What is posted stays inside Discord's limits, and the end of an answer never waits for steps."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from frontends.discord.pacing import EVERYTHING, Bucket, Pacing
from tests.fakes.clock import ManualClock

HERE = Bucket("here")


@given(st.lists(st.floats(0.0, 3.0), max_size=60))
@settings(max_examples=200)
def test_no_window_ever_holds_more_than_discord_takes(waits):
    clock = ManualClock()
    pacing = Pacing(clock)
    sent = []
    for wait in waits:
        clock.advance(wait)
        clock.advance(pacing.until_free(HERE))
        pacing.note(HERE)
        sent.append(clock.monotonic())
        recent = [at for at in sent if at > clock.monotonic() - HERE.seconds]
        assert len(recent) <= HERE.operations


def test_steps_always_leave_room_for_the_end_of_the_answer():
    clock = ManualClock()
    pacing = Pacing(clock)
    for _ in range(100):
        clock.advance(pacing.until_step(HERE))
        pacing.note(HERE)
        assert pacing.until_free(HERE) == 0.0


def test_the_first_words_never_wait():
    assert Pacing(ManualClock()).until_step(HERE) == 0.0


def test_places_do_not_share_their_limits():
    pacing = Pacing(ManualClock())
    for _ in range(HERE.operations):
        pacing.note(HERE)
    assert pacing.until_free(HERE) > 0.0
    assert pacing.until_free(Bucket("there")) == 0.0


async def test_whoever_must_post_waits_until_that_is_allowed():
    clock = ManualClock()
    pacing = Pacing(clock)
    for _ in range(HERE.operations):
        pacing.note(HERE)
    clock.advance(HERE.seconds + 1.0)
    async with asyncio.timeout(5):
        await pacing.free(HERE)
    assert pacing.until_step(HERE) > 0.0


@given(st.lists(st.tuples(st.floats(0.0, 0.2), st.integers(0, 40), st.booleans()), max_size=150))
@settings(max_examples=100)
def test_the_bot_as_a_whole_never_asks_more_than_discord_takes(steps):
    clock = ManualClock()
    pacing = Pacing(clock)
    sent = []
    for wait, place, step in steps:
        clock.advance(wait)
        bucket = Bucket(f"place{place}")
        if step:
            clock.advance(pacing.until_step(bucket))
        clock.advance(pacing.until_free(bucket))
        pacing.note(bucket)
        sent.append(clock.monotonic())
        recent = [at for at in sent if at > clock.monotonic() - EVERYTHING.seconds]
        assert len(recent) <= EVERYTHING.operations


def test_webhooks_have_limits_of_their_own():
    pacing = Pacing(ManualClock())
    for number in range(EVERYTHING.operations):
        pacing.note(Bucket(f"webhook{number}", shared=False))
    assert pacing.calm()
    assert pacing.until_free(HERE) == 0.0


def test_a_busy_bot_leaves_out_what_can_be_left_out():
    pacing = Pacing(ManualClock())
    for number in range(EVERYTHING.operations - 5):
        pacing.note(Bucket(f"place{number}"))
    assert not pacing.calm()
    assert pacing.until_step(HERE) > 0.0
    assert pacing.until_free(HERE) == 0.0
