"""Who is who in a call, what is done after a close, and when to ask again."""

from __future__ import annotations

import asyncio

import pytest

from frontends.discord.voice.news import Bell, News
from frontends.discord.voice.persistence import GIVE_UP_SECONDS, Persistence, Way, way_after
from frontends.discord.voice.recovery import FORGIVEN_SECONDS, Cooldown
from frontends.discord.voice.speakers import Speakers

ALICE, BOB = 11, 12


def test_a_person_has_one_ssrc_and_an_ssrc_one_person():
    speakers = Speakers()
    speakers.speaks(ALICE, 1)
    speakers.speaks(ALICE, 2)
    assert (speakers.owner_of(1), speakers.owner_of(2)) == (None, ALICE)
    speakers.speaks(BOB, 2)
    assert speakers.owner_of(2) == BOB


def test_who_left_owns_nothing_and_is_not_expected():
    speakers = Speakers()
    speakers.joined([ALICE, BOB])
    speakers.speaks(ALICE, 1)
    speakers.left(ALICE)
    assert speakers.owner_of(1) is None
    assert speakers.roster == {BOB}
    assert speakers.only_one == BOB
    speakers.begin_anew()
    assert speakers.roster == frozenset()
    assert speakers.only_one is None


@pytest.mark.parametrize(
    ("code", "established", "way"),
    [
        (4015, True, Way.RESUME),
        (1006, True, Way.RESUME),
        (-1, True, Way.RESUME),
        (-1, False, Way.JOIN),
        (4006, True, Way.JOIN),
        (4004, False, Way.JOIN),
        (4014, True, Way.AWAIT),
        (4022, True, Way.AWAIT),
        (4017, False, Way.NONE),
    ],
)
def test_what_is_done_after_a_close(code, established, way):
    assert way_after(code, established=established) is way


def test_tries_that_fail_come_later_and_later_and_end_after_three_minutes():
    persistence, now = Persistence(0.0), 0.0
    pauses = []
    while not persistence.is_over(now):
        persistence.note(Way.JOIN, began=now, established=None, ended=now + 3.0)
        now += 3.0 + persistence.pause
        pauses.append(persistence.pause)
    assert pauses[:4] == [0.0, 0.25, 0.5, 1.0]
    assert max(pauses) == 15.0
    assert GIVE_UP_SECONDS < now < GIVE_UP_SECONDS + 20.0


def test_a_connection_that_held_makes_up_for_what_failed_and_one_that_did_not_does_not():
    persistence = Persistence(0.0)
    for _ in range(5):
        persistence.note(Way.JOIN, began=0.0, established=None, ended=1.0)
    persistence.note(Way.JOIN, began=1.0, established=1.5, ended=3.0)
    assert persistence.pause > 0
    persistence.note(Way.JOIN, began=3.0, established=3.5, ended=60.0)
    assert persistence.pause == 0.0
    assert not persistence.is_over(60.0 + GIVE_UP_SECONDS)


def test_resuming_in_vain_is_given_up_after_the_second_time():
    persistence = Persistence(0.0)
    assert persistence.tempered(Way.RESUME) is Way.RESUME
    for _ in range(2):
        persistence.note(Way.RESUME, began=0.0, established=None, ended=0.1)
    assert persistence.tempered(Way.RESUME) is Way.JOIN
    assert persistence.tempered(Way.IDENTIFY) is Way.IDENTIFY


def test_new_keys_are_asked_for_at_once_then_ever_more_rarely_until_all_is_forgiven():
    cooldown, asked = Cooldown(), []
    for second in range(200):
        if cooldown.allows(float(second)):
            asked.append(second)
    assert asked == [0, 10, 30, 70, 150]
    later = 150 + FORGIVEN_SECONDS + 1
    assert cooldown.allows(later)
    assert cooldown.allows(later + 10)


def test_news_are_complete_with_both_events_in_either_order():
    for order in ((0, 1), (1, 0)):
        news = News()
        events = (
            lambda news=news: news.take_state("session", 5),
            lambda news=news: news.take_server("token", "host:1", 1.0),
        )
        events[order[0]]()
        assert not news.worth_trying(1.0)
        events[order[1]]()
        ticket = news.ticket
        assert ticket is not None
        assert (ticket.channel_id, ticket.token) == (5, "token")
        assert news.worth_trying(1.0)


def test_a_ticket_that_was_used_is_not_worth_another_try_but_a_new_channel_is_for_a_moment():
    news = News()
    news.take_state("session", 5)
    news.take_server("token", "host:1", 1.0)
    news.used = news.ticket
    assert (news.changed, news.worth_trying(1.0)) == (False, False)
    news.take_state("session", 6)
    assert news.worth_trying(2.0)
    assert not news.worth_trying(9.0)
    news.take_server(None, None, 9.0)
    assert news.changed
    assert not news.worth_trying(9.0)
    news.take_server("another", "host:2", 10.0)
    assert news.worth_trying(99.0)


async def test_a_bell_that_rings_before_anybody_waits_is_not_missed():
    bell = Bell()
    done: list[bool] = []

    def condition() -> bool:
        bell.ring()  # as if another task did, between looking and waiting
        return bool(done)

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bell.until(lambda: done, 10.0))
        await asyncio.sleep(0)
        done.append(True)
        bell.ring()
        assert await waiting
    assert not await Bell().until(lambda: False, 0.01)
    assert await bell.until(condition, 10.0)
