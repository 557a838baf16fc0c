"""Rate limits and REST faults, as discord.py meets them."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import discord
import pytest

from tests.discord_standin.faults import Cut, RestFault
from tests.discord_standin.founding import add_channel
from tests.discord_standin.limits import GLOBAL, SENDING, Limits
from tests.discord_standin.scene import living, scene
from tests.fakes.clock import ManualClock


def quiet_client() -> discord.Client:
    return discord.Client(intents=discord.Intents.all(), guild_ready_timeout=0.1)


def test_bucket_takes_five_then_refuses_until_its_window_ends(clock: ManualClock):
    limits = Limits(clock)
    verdicts = [limits.admit(SENDING, "channel") for _ in range(6)]
    assert [each.refusal is None for each in verdicts] == [True] * 5 + [False]
    assert [each.headers["X-RateLimit-Remaining"] for each in verdicts] == [*"432100"]
    assert limits.admit(SENDING, "other").refusal is None
    clock.advance(4.9)
    late = limits.admit(SENDING, "channel").refusal
    assert late
    assert late["retry_after"] == pytest.approx(0.1)
    clock.advance(0.1)
    assert limits.admit(SENDING, "channel").refusal is None
    assert limits.refusals == 2


def test_global_limit_says_that_it_is_global(clock: ManualClock):
    limits = Limits(clock)
    for _ in range(50):
        assert limits.admit(GLOBAL, "bot").refusal is None
    verdict = limits.admit(GLOBAL, "bot")
    assert verdict.refusal
    assert verdict.refusal["global"] is True
    assert verdict.headers["X-RateLimit-Scope"] == "global"
    assert "X-RateLimit-Bucket" not in verdict.headers


async def test_discord_py_paces_itself_by_the_headers_alone():
    async with scene() as town:
        client = quiet_client()
        async with living(client, town.standin, town.bot):
            channel = client.get_partial_messageable(town.general.id)
            began = time.monotonic()
            for number in range(6):
                await channel.send(str(number))
            assert time.monotonic() - began > 4.5
            assert town.standin.limits.refusals == 0


async def test_sixth_message_at_once_is_refused_with_discords_headers():
    async with scene() as town, aiohttp.ClientSession() as session:
        url = f"{town.standin.api_url}/channels/{town.general.id}/messages"
        headers = {"Authorization": f"Bot {town.bot.token}"}
        for number in range(6):
            async with session.post(url, json={"content": str(number)}, headers=headers) as answer:
                status, body = answer.status, await answer.json()
        assert status == 429
        assert body["message"] == "You are being rate limited."
        assert 4.0 < body["retry_after"] <= 5.0
        assert body["global"] is False
        assert answer.headers["Via"]
        assert answer.headers["X-RateLimit-Scope"] == "user"
        assert answer.headers["Content-Type"] == "application/json"
        assert len(town.general.messages) == 5


async def test_repeated_nonce_posts_once():
    async with scene() as town, aiohttp.ClientSession() as session:
        url = f"{town.standin.api_url}/channels/{town.general.id}/messages"
        headers = {"Authorization": f"Bot {town.bot.token}"}
        ids = set()
        for enforced in (True, True, False):
            body = {"content": "once", "nonce": "n-1", "enforce_nonce": enforced}
            async with session.post(url, json=body, headers=headers) as answer:
                ids.add((await answer.json())["id"])
        assert len(ids) == 2
        assert len(town.general.messages) == 2


async def test_server_error_is_survived_by_a_retry():
    async with scene() as town:
        town.standin.faults.rest.append(RestFault(path=r"/messages$", status=502))
        client = quiet_client()
        async with living(client, town.standin, town.bot):
            await client.get_partial_messageable(town.general.id).send("at last")
            assert [each.content for each in await town.sent()] == ["at last"]


async def test_cut_after_the_effect_leaves_the_message_and_no_answer():
    async with scene() as town, aiohttp.ClientSession() as session:
        town.standin.faults.rest.append(RestFault(method="POST", path="/messages", cut=Cut.AFTER))
        url = f"{town.standin.api_url}/channels/{town.general.id}/messages"
        headers = {"Authorization": f"Bot {town.bot.token}"}
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.post(url, json={"content": "lost?"}, headers=headers)
        assert [each.content for each in town.general.messages.values()] == ["lost?"]
        town.standin.faults.rest.append(RestFault(method="POST", path="/messages", cut=Cut.BEFORE))
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.post(url, json={"content": "never"}, headers=headers)
        assert len(town.general.messages) == 1


async def test_delay_holds_only_what_it_strikes():
    async with scene() as town:
        town.standin.faults.rest.append(RestFault(path=r"/typing$", delay=0.3))
        client = quiet_client()
        async with living(client, town.standin, town.bot):
            channel = client.get_partial_messageable(town.general.id)
            began = time.monotonic()
            async with asyncio.TaskGroup() as group:
                slow = group.create_task(client.http.send_typing(town.general.id))
                await channel.send("quick")
                assert time.monotonic() - began < 0.25
                assert not slow.done()
            assert time.monotonic() - began >= 0.3


async def test_client_that_another_took_the_bucket_from_is_refused_and_recovers():
    async with scene() as town:
        town.standin.limits.haste = 2.0
        first, second = quiet_client(), quiet_client()
        async with (
            living(first, town.standin, town.bot),
            living(second, town.standin, town.bot),
        ):
            ours = first.get_partial_messageable(town.general.id)
            theirs = second.get_partial_messageable(town.general.id)
            for number in range(4):
                await (theirs if number else ours).send(str(number))
            async with asyncio.TaskGroup() as group:
                group.create_task(ours.send("4"))  # its client knows that this is the last
                await town.sent(count=5)
                assert town.standin.limits.refusals == 0
                await theirs.send("5")  # its client believes in one more
            assert town.standin.limits.refusals >= 1
            for number in range(6, 12):
                await (theirs if number % 2 else ours).send(str(number))
        kept = [message.content for message in town.general.messages.values()]
        assert kept == [str(number) for number in range(12)]


async def test_answers_to_interactions_do_not_count_for_the_whole_bot(clock: ManualClock):
    async with scene(clock=clock) as town, aiohttp.ClientSession() as session:
        root, headers = town.standin.api_url, {"Authorization": f"Bot {town.bot.token}"}
        statuses = []
        for _ in range(51):
            async with session.get(f"{root}/users/@me", headers=headers) as answer:
                statuses.append(answer.status)
                told = await answer.json()
        assert statuses == [200] * 50 + [429]
        assert told["global"] is True
        command = {"name": "ping", "description": "x"}
        clock.advance(1.0)
        url = f"{root}/applications/{town.bot.application_id}/commands"
        async with session.put(url, json=[command], headers=headers) as answer:
            assert answer.status == 200
        for _ in range(50):
            async with session.get(f"{root}/users/@me", headers=headers) as answer:
                pass
        assert answer.status == 429
        used = town.alice.uses(town.general, town.bot, "ping")
        url = f"{root}/interactions/{used.id}/{used.token}/callback"
        said = {"type": 4, "data": {"content": "pong"}}
        async with session.post(url, json=said, headers=headers) as answer:
            assert answer.status == 204
        url = f"{root}/webhooks/{town.bot.application_id}/{used.token}/messages/@original"
        async with session.patch(url, json={"content": "edited"}, headers=headers) as answer:
            assert answer.status == 200


async def test_sending_editing_and_channels_have_buckets_of_their_own(clock: ManualClock):
    async with scene(clock=clock) as town, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bot {town.bot.token}"}
        other = add_channel(town.standin.world, town.guild, "other")
        statuses = []

        async def ask(method: str, path: str) -> None:
            url = f"{town.standin.api_url}/channels/{path}"
            async with session.request(
                method, url, json={"content": "x"}, headers=headers
            ) as answer:
                statuses.append(answer.status)

        for _ in range(6):
            await ask("POST", f"{town.general.id}/messages")
        (message, *_) = town.general.messages
        for _ in range(6):
            await ask("PATCH", f"{town.general.id}/messages/{message}")
        await ask("POST", f"{other.id}/messages")
        clock.advance(5.0)
        await ask("POST", f"{town.general.id}/messages")
        assert statuses == [*[200] * 5, 429, *[200] * 5, 429, 200, 200]
