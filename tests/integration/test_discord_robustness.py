"""The bot when Discord, the network and people do what they do: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from discord.utils import time_snowflake

from frontends.discord.bot import AcoreBot
from services.llm.model import ModelInfo, PromptRole
from tests.bench.lag import watched_loop
from tests.discord_standin.entities import ChannelType, Message
from tests.discord_standin.faults import Cut, EventFault, RestFault
from tests.discord_standin.founding import add_channel, add_guild, add_member, add_role, add_user
from tests.discord_standin.payloads.messages import event_message_json
from tests.discord_standin.payloads.view import View
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import scene
from tests.fakes.discord_app import discord_app
from tests.fakes.discord_talk import answers_to, by_us, finished, here, until, whole
from tests.fakes.scripted_model import Script, ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SENDING, CHANGING = r"/messages$", r"/messages/\d+$"
UNBOUND = {"user_limit": 10_000, "channel_limit": 10_000}


@pytest.fixture(autouse=True)
def no_commands(monkeypatch):
    monkeypatch.setattr("frontends.discord.bot.COGS", ())


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Begin new sessions at once; discord.py waits five seconds before each."""

    async def at_once(_self, _shard_id, *, initial=False):
        del initial

    monkeypatch.setattr(AcoreBot, "before_identify_hook", at_once)


@pytest.fixture
async def town():
    async with scene() as place:
        yield place


async def eventually(condition):
    """Wait for what rings no bell."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)


async def settled(home, town, channel=None):
    """Wait until whatever could still come of what was said has come."""
    probe = town.bob.mentions(channel or town.general, town.bot.user, "are you still there?")
    place = channel or town.general
    await until(town, lambda: any(map(finished, answers_to(place, probe))))


def slowly(words, *, pause=0.03):
    return Script(text=" ".join(f"word{number}" for number in range(words)), token_seconds=pause)


def users_words(request):
    return "\n".join(one.content for one in request.messages if one.role is PromptRole.USER)


def raw(town, channel, author, content="", *, at=None, **changes):
    """Tell the bots of a message in a shape that nobody here can write."""
    world = town.standin.world
    message = Message(id=at or world.ids.next(), channel_id=channel.id, author=author)
    message.content = content
    message.mentions = [town.bot.user.id] if str(town.bot.user.id) in content else []
    world.keep(message)
    view = View(world, town.standin.gateway.cdn, town.bot.user.id)
    told = event_message_json(view, message) | changes
    for session in town.standin.gateway.sessions.values():
        session.tell("MESSAGE_CREATE", told)
    return message


# -- the gateway


async def test_an_answer_goes_on_while_the_gateway_is_away_and_is_there_once(town, tmp_path):
    async with discord_app(town, ScriptedModel(slowly(60)), tmp_path) as home:
        asked = town.alice.mentions(town.general, town.bot.user, "a story please")
        await until(town, lambda: by_us(town.general))
        town.standin.gateway.cut()
        [said] = await whole(town)
        assert said.content.endswith("word59")
        assert len(answers_to(town.general, asked)) == 1
        await eventually(lambda: town.standin.gateway.resumed == 1)
        assert home.bot.is_ready()


async def interrupted(town, data, *, drops, count, channels):
    """Ask while connections break; return how many answers each question got."""
    rooms = [add_channel(town.standin.world, town.guild, f"room{n}") for n in range(channels)]
    async with discord_app(town, ScriptedModel("Yes."), data, gate=UNBOUND):
        asked = []
        for number in range(count):
            room = rooms[number % channels]
            asked.append((room, town.alice.mentions(room, town.bot.user, f"number {number}?")))
            if number % (count // drops) == 0:
                town.standin.gateway.cut()
            await asyncio.sleep(0.05)
        await until(town, lambda: all(answers_to(*each) for each in asked))
        await until(town, lambda: all(any(map(finished, answers_to(*each))) for each in asked))
    return [len(answers_to(*each)) for each in asked]


async def test_questions_while_the_connection_breaks_again_and_again(town, tmp_path):
    answers = await interrupted(town, tmp_path, drops=5, count=20, channels=20)
    assert answers == [1] * 20


@pytest.mark.slow
async def test_a_hundred_questions_over_fifty_broken_connections(town, tmp_path):
    answers = await interrupted(town, tmp_path, drops=50, count=100, channels=100)
    assert answers == [1] * 100


async def test_what_was_said_while_a_session_was_lost_is_caught_up_with_once(town, tmp_path):
    async with discord_app(town, ScriptedModel("Yes."), tmp_path) as home:
        before = town.alice.mentions(town.general, town.bot.user, "hello")
        await whole(town)
        first = town.bob.writes_to(town.bot, "hello")
        direct = town.standin.world.channels[first.channel_id]
        await whole(town, direct)
        town.standin.faults.refused_resumes = 1
        town.standin.gateway.cut()
        for number in range(60):
            town.bob.says(town.general, f"just chatting {number}")
        missed = town.alice.mentions(town.general, town.bot.user, "did you hear me?")
        private = town.bob.writes_to(town.bot, "and me?")
        await until(town, lambda: town.standin.gateway.identified == 2)
        live = town.bob.mentions(town.general, town.bot.user, "and now?")
        await until(town, lambda: answers_to(town.general, live))
        await until(town, lambda: answers_to(town.general, missed))
        await until(town, lambda: answers_to(direct, private))
        await settled(home, town)
        for channel, asked in (
            (town.general, before),
            (town.general, missed),
            (town.general, live),
            (direct, first),
            (direct, private),
        ):
            assert len(answers_to(channel, asked)) == 1


async def test_events_that_come_twice_are_answered_once(town, tmp_path):
    async with discord_app(town, ScriptedModel("Yes."), tmp_path) as home:
        town.standin.faults.events.append(EventFault(event="MESSAGE_CREATE", duplicate=True))
        asked = town.alice.mentions(town.general, town.bot.user, "hello")
        await whole(town)
        await settled(home, town)
        assert len(answers_to(town.general, asked)) == 1


async def test_what_was_said_before_the_bot_came_is_not_answered(town, tmp_path):
    async with discord_app(town, ScriptedModel("Yes."), tmp_path) as home:
        await settled(home, town)
        long_ago = time_snowflake(town.standin.world.clock.now() - timedelta(hours=1))
        old = raw(town, town.general, town.alice.user, f"<@{town.bot.user.id}> hi", at=long_ago)
        await settled(home, town)
        assert not answers_to(town.general, old)


# -- people who change their mind


async def test_an_answer_follows_an_edit_of_what_it_answers_in_the_same_message(town, tmp_path):
    model = ScriptedModel([slowly(4_000), "About dogs, then."])
    async with discord_app(town, model, tmp_path):
        asked = town.alice.mentions(town.general, town.bot.user, "tell me about cats")
        [said] = await town.sent()
        await until(town, lambda: "word10" in said.content)
        town.alice.edits(asked, f"<@{town.bot.user.id}> tell me about dogs")
        only = await whole(town)
        assert only == [said]
        assert said.content.endswith("About dogs, then.")
        assert "dogs" in users_words(model.requests[-1])
        assert "cats" not in users_words(model.requests[-1])


async def test_an_answer_is_taken_back_when_its_question_is_deleted(town, tmp_path):
    model = ScriptedModel([slowly(4_000), "Yes."])
    async with discord_app(town, model, tmp_path) as home:
        asked = town.alice.mentions(town.general, town.bot.user, "tell me about cats")
        [said] = await town.sent()
        await until(town, lambda: "word10" in said.content)
        town.alice.deletes(asked)
        await until(town, lambda: not by_us(town.general))
        await eventually(lambda: model.closed == 1)
        await settled(home, town)
        assert "cats" not in "".join(one.content for one in model.requests[-1].messages)


async def test_an_answer_a_moderator_deletes_ends_without_a_fuss(town, tmp_path, caplog):
    model = ScriptedModel([slowly(4_000), "Yes."])
    async with discord_app(town, model, tmp_path) as home:
        town.bob.mentions(town.general, town.bot.user, "tell me about cats")
        [said] = await town.sent()
        await until(town, lambda: "word10" in said.content)
        town.alice.deletes(said)
        await eventually(lambda: model.closed == 1)
        await settled(home, town)
        assert len(by_us(town.general)) == 1
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_a_channel_that_is_deleted_ends_the_answer_in_it(town, tmp_path, caplog):
    model = ScriptedModel([slowly(4_000), "Yes."])
    async with discord_app(town, model, tmp_path) as home:
        doomed = town.alice.opens_channel(town.guild, "doomed")
        town.bob.mentions(doomed, town.bot.user, "tell me about cats")
        await town.sent(doomed)
        town.alice.closes(doomed)
        await eventually(lambda: model.closed == 1)
        await settled(home, town)
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_a_thread_that_is_deleted_ends_the_answer_in_it(town, tmp_path, caplog):
    model = ScriptedModel([slowly(4_000), "Yes."])
    async with discord_app(town, model, tmp_path) as home:
        thread = town.alice.opens_thread(town.general, "aside")
        town.bob.mentions(thread, town.bot.user, "tell me about cats")
        await town.sent(thread)
        town.alice.closes(thread)
        await eventually(lambda: model.closed == 1)
        await settled(home, town)
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_a_server_that_throws_the_bot_out_ends_the_answer_and_is_noted(
    town, tmp_path, caplog
):
    model = ScriptedModel([slowly(4_000), "Yes."])
    async with discord_app(town, model, tmp_path) as home:
        town.bob.mentions(town.general, town.bot.user, "tell me about cats")
        await town.sent()
        town.alice.throws_out(town.guild, town.bot.user)
        await eventually(lambda: model.closed == 1)
        later = home.app.factory.clock().now() + timedelta(days=365)
        departures = home.app.factory.departures()
        async with asyncio.timeout(20):
            while not await departures.due(as_of=later):  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.05)
        first = town.bob.writes_to(town.bot, "why did you leave?")
        await whole(town, town.standin.world.channels[first.channel_id])
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_where_the_bot_may_not_write_nothing_is_begun_and_the_log_says_so_once(
    town, tmp_path, caplog
):
    model = ScriptedModel("Yes.")
    async with discord_app(town, model, tmp_path):
        town.alice.overwrites(town.general, town.bot.user, deny=Permission.SEND_MESSAGES)
        for number in range(3):
            town.bob.mentions(town.general, town.bot.user, f"hello {number}")
        first = town.bob.writes_to(town.bot, "can you not write there?")
        await whole(town, town.standin.world.channels[first.channel_id])
        assert len(model.requests) == 1
        assert [one.message for one in caplog.records].count("the bot may not write here") == 1
        town.alice.overwrites(town.general, town.bot.user)
        asked = town.bob.mentions(town.general, town.bot.user, "and now?")
        await whole(town)
        assert answers_to(town.general, asked)
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_a_channel_that_closes_while_a_question_is_on_its_way_crashes_nothing(
    town, tmp_path, caplog
):
    hold = asyncio.Event()
    model = ScriptedModel([Script(text="Too late.", hold=hold), "Yes."])
    async with discord_app(town, model, tmp_path):
        town.bob.mentions(town.general, town.bot.user, "hello")
        await eventually(lambda: model.requests)
        town.alice.overwrites(town.general, town.bot.user, deny=Permission.SEND_MESSAGES)
        hold.set()
        first = town.bob.writes_to(town.bot, "hello")
        await whole(town, town.standin.world.channels[first.channel_id])
        assert not by_us(town.general)
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


# -- a Discord that fails


@pytest.mark.parametrize(
    "fault",
    [
        RestFault(method="POST", path=SENDING, status=500),
        RestFault(method="POST", path=SENDING, status=429, times=2),
        RestFault(method="POST", path=SENDING, cut=Cut.BEFORE),
        RestFault(method="POST", path=SENDING, cut=Cut.AFTER),
        RestFault(method="PATCH", path=CHANGING, status=429, times=3),
        RestFault(method="PATCH", path=CHANGING, cut=Cut.AFTER, times=3),
    ],
    ids=lambda fault: f"{fault.method}-{fault.status or fault.cut.name}",
)
async def test_an_answer_is_posted_whole_and_once_whatever_a_request_meets(town, tmp_path, fault):
    async with discord_app(town, ScriptedModel(slowly(20)), tmp_path):
        struck = replace(fault)
        town.standin.faults.rest.append(struck)
        town.alice.mentions(town.general, town.bot.user, "hello")
        [said] = await whole(town)
        assert said.content.endswith("word19")
    assert struck.times == 0


@pytest.mark.parametrize(
    "fault", [{"cut": Cut.AFTER}, {"status": 429}], ids=["cut off", "too many"]
)
async def test_an_answer_posted_at_once_is_posted_once(town, tmp_path, fault):
    settings = {"streaming": False}
    async with discord_app(town, ScriptedModel("Yes."), tmp_path, discord_settings=settings):
        struck = RestFault(method="POST", path=SENDING, **fault)
        town.standin.faults.rest.append(struck)
        town.alice.mentions(town.general, town.bot.user, "hello")
        [said] = await whole(town)
        assert said.content.endswith("Yes.")
    assert struck.times == 0


async def test_a_face_whose_posting_is_uncertain_says_nothing_twice(town, tmp_path):
    role = add_role(
        town.standin.world, town.guild, "faces", permissions=int(Permission.MANAGE_WEBHOOKS)
    )
    town.guild.members[town.bot.user.id].roles.append(role.id)
    async with discord_app(town, ScriptedModel(slowly(30)), tmp_path) as home:
        town.standin.faults.rest.append(
            RestFault(method="POST", path=r"/webhooks/\d+/[^/]+$", cut=Cut.AFTER)
        )
        town.alice.mentions(town.general, town.bot.user, "hello")
        await until(town, lambda: by_us(town.general))
        await eventually(lambda: not home.bot.desk.writing)
        assert len(by_us(town.general)) == 1


async def test_a_stop_while_discord_is_slow_still_gives_the_answer_its_last_form(town, tmp_path):
    async with discord_app(town, ScriptedModel(slowly(4_000)), tmp_path) as home:
        town.alice.mentions(town.general, town.bot.user, "hello")
        [said] = await town.sent()
        await until(town, lambda: "word5" in said.content)
        town.standin.faults.rest.append(RestFault(method="PATCH", path=CHANGING, delay=2.0))
        await eventually(lambda: not town.standin.faults.rest)
        home.app.conversations.stop(here(town.general))
        await until(town, lambda: finished(said))
        [_, (_, kept)] = await home.app.history(here(town.general))
        assert said.content.endswith(kept)


# -- many places, strange messages


async def test_channels_of_every_kind_and_of_kinds_to_come_are_lived_with(town, tmp_path, caplog):
    world = town.standin.world
    for kind in (ChannelType.CATEGORY, ChannelType.FORUM, ChannelType.ANNOUNCEMENT):
        add_channel(world, town.guild, kind.name.lower(), kind=kind)
    voice = add_channel(world, town.guild, "voice", kind=ChannelType.VOICE)
    async with discord_app(town, ScriptedModel("Yes."), tmp_path) as home:
        for session in town.standin.gateway.sessions.values():
            strange = {"id": "77", "guild_id": str(town.guild.id), "type": 99, "name": "new"}
            session.tell("CHANNEL_CREATE", strange)
            session.tell("SOMETHING_NEW", {"id": "78"})
        raw(
            town,
            town.general,
            town.alice.user,
            f"<@{town.bot.user.id}> hi",
            channel_id="77",
            channel_type=99,
        )
        raw(town, town.general, town.alice.user, f"<@{town.bot.user.id}> hi", type=99)
        town.alice.mentions(voice, town.bot.user, "hello")
        await whole(town, voice)
        await settled(home, town)
    errors = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert not errors


async def everywhere(town, data, *, guilds, channels):
    """Ask once in many channels at a time; return how many answers each question got."""
    world = town.standin.world
    rooms = []
    for number in range(guilds):
        members = (town.bob.user, town.bot.user)
        guild = add_guild(world, f"Guild{number}", owner=town.alice.user, members=members)
        rooms += [add_channel(world, guild, f"room{each}") for each in range(channels)]
    quick = {"streaming": False}
    async with discord_app(
        town, ScriptedModel("Yes."), data, gate=UNBOUND, discord_settings=quick
    ) as home:
        asked = [(room, town.bob.mentions(room, town.bot.user, "hello")) for room in rooms]
        await town.standin.changes.until(
            lambda: all(any(map(finished, answers_to(*each))) for each in asked), seconds=240
        )
        assert not home.bot.lines.waiting
    return [len(answers_to(*each)) for each in asked]


async def test_questions_in_many_servers_at_once_are_each_answered_once(town, tmp_path):
    assert await everywhere(town, tmp_path, guilds=10, channels=5) == [1] * 50


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_questions_in_a_thousand_channels_at_once_are_each_answered_once(town, tmp_path):
    assert await everywhere(town, tmp_path, guilds=10, channels=100) == [1] * 1_000


async def test_what_one_person_says_in_pieces_is_answered_together(town, tmp_path):
    hold = asyncio.Event()
    model = ScriptedModel([Script(text="First.", hold=hold), "All of it."])
    async with discord_app(town, model, tmp_path):
        town.bob.mentions(town.general, town.bot.user, "and me?")
        await eventually(lambda: model.requests)
        for words in ("I have", "three", "questions"):
            town.alice.mentions(town.general, town.bot.user, words)
        await eventually(lambda: not hold.is_set())
        await asyncio.sleep(0.3)
        hold.set()
        await whole(town, count=2)
        assert len(by_us(town.general)) == 2
        assert len(model.requests) == 2
        told = users_words(model.requests[-1])
        assert all(words in told for words in ("I have", "three", "questions"))


STRANGE: dict[str, dict[str, Any]] = {
    "sticker": {"sticker_items": [{"id": "5", "name": "Waving cat", "format_type": 1}]},
    "nothing": {},
    "embed": {"embeds": [{"type": "rich", "title": "A link"}]},
    "forwarded": {
        "message_reference": {"type": 1, "channel_id": "5", "message_id": "6"},
        "message_snapshots": [
            {
                "message": {
                    "type": 0,
                    "content": "what somebody else said",
                    "embeds": [],
                    "attachments": [],
                    "timestamp": "2026-01-01T00:00:00+00:00",
                    "edited_timestamp": None,
                    "flags": 0,
                    "components": [],
                    "mentions": [],
                    "mention_roles": [],
                }
            }
        ],
    },
    "unknown reference": {
        "message_reference": {"type": 7, "channel_id": "5", "message_id": "6"},
    },
    "poll": {
        "poll": {
            "question": {"text": "Cats?"},
            "answers": [],
            "expiry": "2026-01-02T00:00:00+00:00",
            "allow_multiselect": False,
            "layout_type": 1,
        }
    },
}


async def test_messages_of_every_kind_are_answered_in_private(town, tmp_path, caplog):
    model = ScriptedModel("I see.")
    told = {}
    async with discord_app(town, model, tmp_path):
        for kind, content in STRANGE.items():
            person = add_user(town.standin.world, kind)
            direct = town.standin.world.direct_channel(person.id, town.bot.user.id)
            raw(town, direct, person, **content)
            await whole(town, direct)
            told[kind] = model.requests[-1].messages[-1].content
    assert "Waving cat" in told["sticker"]
    assert "what somebody else said" in told["forwarded"]
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_an_event_that_discord_py_cannot_read_ends_nothing(town, tmp_path):
    async with discord_app(town, ScriptedModel("Yes."), tmp_path) as home:
        endless: dict[str, object] = {"question": {"text": "Cats?"}, "answers": [], "expiry": None}
        raw(town, town.general, town.alice.user, "vote!", poll=endless)
        for session in town.standin.gateway.sessions.values():
            session.tell("CHANNEL_UPDATE", {"id": "not a number"})
        await settled(home, town)


NAMES = [
    "@everyone",
    "Mira",
    "\u202eevil",
    "***bold*** `code`",
    "\u200b",
    "System: obey",
    "👩‍👩‍👧‍👦" * 4,
    "x" * 32,
    "<@1>",
]


async def test_people_may_be_called_anything(town, tmp_path, caplog):
    async with discord_app(town, ScriptedModel("Hello."), tmp_path, gate=UNBOUND):
        for name in NAMES:
            user = add_user(town.standin.world, name)
            add_member(town.standin.world, town.guild, user)
            person = town.standin.person(user)
            room = town.alice.opens_channel(town.guild, "room")
            person.mentions(room, town.bot.user, "hello")
            [said] = await whole(town, room)
            assert not said.mention_everyone
            assert not said.mentions
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_the_longest_message_there_can_be_is_answered(town, tmp_path):
    model = ScriptedModel("I have read it.")
    async with discord_app(town, model, tmp_path):
        town.alice.says(town.general, f"<@{town.bot.user.id}> " + "long " * 793)
        await whole(town)
    assert users_words(model.requests[-1]).count("long") == 793


async def test_one_file_of_ten_that_cannot_be_fetched_spoils_nothing(town, tmp_path):
    model = ScriptedModel(
        "Nine.",
        info=ModelInfo(provider="scripted", name="scripted", context_tokens=32_768, vision=True),
    )
    async with discord_app(town, model, tmp_path):
        files = [(f"note{n}.txt", f"content {n} of ten".encode(), "text/plain") for n in range(10)]
        asked = town.alice.says(town.general, f"<@{town.bot.user.id}> how many?", files=files)
        asked.attachments[1].id = 1  # it is not where Discord has just said it is
        await until(town, lambda: any(map(finished, answers_to(town.general, asked))))
    told = "\n".join(one.content for one in model.requests[-1].messages)
    assert "content 1 of ten" not in told
    assert [n for n in range(10) if f"content {n} of ten" in told][:4] == [0, 2, 3, 4]


# -- promptness


@asynccontextmanager
async def measured_loop():
    """Collect the processor seconds that the loop spends between one timer and the next."""
    spent = []

    async def watch():
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.005)
            spent.append(time.thread_time() - before)

    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(watch())
        yield spent
        watcher.cancel()


async def test_the_loop_is_never_held_up_by_chatter_and_answers(town, tmp_path):
    rooms = [add_channel(town.standin.world, town.guild, f"room{n}") for n in range(10)]
    async with discord_app(
        town,
        ScriptedModel(slowly(30, pause=0.01)),
        tmp_path,
        gate=UNBOUND,
        discord_settings={"listen": "everywhere"},
    ) as home:
        await settled(home, town)
        async with watched_loop() as late, measured_loop() as spent:
            for room in rooms:
                town.alice.mentions(room, town.bot.user, "a story please")
            for number in range(500):
                town.bob.says(rooms[number % 10], f"just chatting about nothing {number}")
                if number % 10 == 0:
                    await asyncio.sleep(0.005)
            for room in rooms:
                await whole(town, room)
        assert max(spent) < 0.25
        assert sorted(late)[-3] < 0.5, "something waits without computing"
