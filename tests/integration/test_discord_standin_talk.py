"""Messages, files, reactions, typing, webhooks, threads and direct messages over real sockets."""

from __future__ import annotations

import io

import aiohttp
import discord
import pytest

from tests.discord_standin.changes import Changes
from tests.discord_standin.entities import THREAD_STARTER, Channel, ChannelType
from tests.discord_standin.founding import add_channel
from tests.discord_standin.rest.cdn import blank_png
from tests.discord_standin.scene import living, scene


class Listener(discord.Client):
    """Keeps the raw events it is told, by name."""

    def __init__(self) -> None:
        super().__init__(
            intents=discord.Intents.all(),
            guild_ready_timeout=0.1,
        )
        self.events: list[str] = []
        self._changes = Changes()

    async def on_socket_event_type(self, name: str) -> None:
        self.events.append(name)
        self._changes.notify()

    async def told(self, event: str, *, count: int = 1) -> None:
        """Wait until an event came so often."""
        await self._changes.until(lambda: self.events.count(event) >= count)


@pytest.fixture
async def stage():
    """A town with a client that has logged in."""
    async with scene(limits=False) as town:
        client = Listener()
        async with living(client, town.standin, town.bot):
            yield town, client


def text_channel(client: discord.Client, channel: Channel) -> discord.TextChannel:
    found = client.get_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    return found


async def test_own_messages_are_edited_and_deleted(stage):
    town, client = stage
    message = await text_channel(client, town.general).send("one")
    edited = await message.edit(content="two")
    assert edited.content == "two"
    assert edited.edited_at is not None
    assert town.general.messages[message.id].content == "two"
    await message.delete()
    assert message.id not in town.general.messages


async def test_anothers_message_is_not_edited(stage):
    town, client = stage
    theirs = town.alice.says(town.general, "mine")
    with pytest.raises(discord.Forbidden) as refused:
        await text_channel(client, town.general).get_partial_message(theirs.id).edit(content="x")
    assert refused.value.code == 50005


async def test_history_pages_in_both_directions(stage):
    town, client = stage
    sent = [town.alice.says(town.general, str(number)) for number in range(250)]
    channel = text_channel(client, town.general)
    newest_first = [message.content async for message in channel.history(limit=220)]
    assert newest_first == [str(number) for number in range(249, 29, -1)]
    after = discord.Object(sent[99].id)
    oldest_first = [message.content async for message in channel.history(limit=120, after=after)]
    assert oldest_first == [str(number) for number in range(100, 220)]
    around = [m.content async for m in channel.history(limit=5, around=discord.Object(sent[10].id))]
    assert sorted(around, key=int) == ["8", "9", "10", "11", "12"]


async def test_file_arrives_whole_and_is_served(stage):
    town, client = stage
    content = bytes(range(256)) * 40
    file = discord.File(io.BytesIO(content), "data.bin", description="all bytes")
    message = await text_channel(client, town.general).send("see", file=file)
    assert town.general.messages[message.id].attachments[0].content == content
    assert message.attachments[0].description == "all bytes"
    assert await message.attachments[0].read() == content


async def test_persons_image_reaches_the_bot(stage):
    town, client = stage
    town.alice.says(town.general, "look", files=[("a.png", blank_png(), "image/png")])
    await client.told("MESSAGE_CREATE")
    (message,) = client.cached_messages
    assert message.attachments[0].content_type == "image/png"
    assert await message.attachments[0].read() == blank_png()


async def test_reply_pings_only_whom_allowed_mentions_lets_through(stage):
    town, client = stage
    question = town.alice.says(town.general, "?")
    channel = text_channel(client, town.general)
    text = f"<@{town.bob.user.id}> @everyone"
    reference = channel.get_partial_message(question.id)
    quiet = await channel.send(
        text, reference=reference, allowed_mentions=discord.AllowedMentions.none()
    )
    kept = town.general.messages[quiet.id]
    assert (kept.mentions, kept.mention_everyone) == ([], False)
    assert kept.reference == (town.general.id, question.id)
    loud = await channel.send(text, reference=reference)
    kept = town.general.messages[loud.id]
    assert kept.mentions == [town.bob.user.id, town.alice.user.id]
    assert not kept.mention_everyone, "the bot lacks the permission"


async def test_reactions_are_counted_once_per_person(stage):
    town, client = stage
    message = await text_channel(client, town.general).send("vote")
    await message.add_reaction("👍")
    town.alice.reacts(town.general.messages[message.id], "👍")
    town.alice.reacts(town.general.messages[message.id], "👍")
    fetched = await message.channel.fetch_message(message.id)
    assert [(each.emoji, each.count, each.me) for each in fetched.reactions] == [("👍", 2, True)]
    assert {user.name async for user in fetched.reactions[0].users()} == {"eos", "alice"}
    assert client.events.count("MESSAGE_REACTION_ADD") == 2
    await message.remove_reaction("👍", client.user)
    town.guild.roles[town.guild.id].permissions |= 1 << 13
    await message.clear_reactions()
    assert town.general.messages[message.id].reactions == {}


async def test_typing_is_told(stage):
    town, client = stage
    town.alice.types(town.general)
    async with text_channel(client, town.general).typing():
        await client.told("TYPING_START", count=2)


async def test_webhook_shows_its_face_and_is_told_apart_from_its_bot(stage):
    town, client = stage
    town.guild.roles[town.guild.id].permissions |= 1 << 29
    channel = text_channel(client, town.general)
    hook = await channel.create_webhook(name="Persona", avatar=blank_png())
    message = await hook.send(
        "I am Luna", username="Luna", avatar_url="https://example.org/luna.png", wait=True
    )
    assert (message.author.name, message.webhook_id) == ("Luna", hook.id)
    await message.edit(content="I am still Luna")
    kept = town.general.messages[message.id]
    assert (kept.content, kept.author.username) == ("I am still Luna", "Luna")
    assert [each.id for each in await channel.webhooks()] == [hook.id]
    await message.delete()
    await hook.delete()
    assert town.standin.world.webhooks == {}
    assert "WEBHOOKS_UPDATE" in client.events
    with pytest.raises(discord.NotFound) as gone:
        await hook.send("anyone?")
    assert gone.value.code == 10015


async def test_webhooks_need_permission_and_end_at_fifteen(stage):
    town, client = stage
    channel = text_channel(client, town.general)
    with pytest.raises(discord.Forbidden) as refused:
        await channel.create_webhook(name="x")
    assert refused.value.code == 50013
    town.guild.roles[town.guild.id].permissions |= 1 << 29
    for number in range(15):
        await channel.create_webhook(name=f"hook {number}")
    with pytest.raises(discord.HTTPException) as full:
        await channel.create_webhook(name="one more")
    assert full.value.code == 30007


async def test_webhook_names_discord_refuses(stage):
    town, client = stage
    town.guild.roles[town.guild.id].permissions |= 1 << 29
    hook = await text_channel(client, town.general).create_webhook(name="fine")
    with pytest.raises(discord.HTTPException) as refused:
        await hook.send("hi", username="My Discord friend")
    assert refused.value.code == 50035


async def test_threads_are_opened_written_in_and_archived(stage):
    town, client = stage
    town.guild.roles[town.guild.id].permissions |= 1 << 29
    channel = text_channel(client, town.general)
    starter = town.alice.says(town.general, "let us talk")
    thread = await channel.get_partial_message(starter.id).create_thread(name="aside")
    await thread.send("here")
    kept = town.standin.world.channels[thread.id]
    town.bob.says(kept, "me too")
    said = [(each.type, each.content) for each in kept.messages.values()]
    assert said == [(THREAD_STARTER, ""), (0, "here"), (0, "me too")]
    assert thread.id == starter.id
    hook = await channel.create_webhook(name="Persona")
    await hook.send("in the thread", thread=thread, wait=True)
    assert len(kept.messages) == 4
    await thread.edit(archived=True)
    assert kept.thread.archived
    assert await channel.guild.active_threads() == []
    own = await channel.create_thread(name="fresh", type=discord.ChannelType.public_thread)
    assert len(await channel.guild.active_threads()) == 1
    await own.leave()


async def test_forum_post_by_bot_and_by_webhook(stage):
    town, client = stage
    town.guild.roles[town.guild.id].permissions |= (1 << 29) | (1 << 4)
    guild = client.guilds[0]
    forum = await guild.create_forum("ideas")
    thread, message = await forum.create_thread(name="first", content="an idea")
    assert town.standin.world.channels[thread.id].messages[message.id].content == "an idea"
    hook = await forum.create_webhook(name="Persona")
    with pytest.raises(discord.HTTPException) as homeless:
        await hook.send("where?")
    assert homeless.value.code == 220001
    posted = await hook.send("a persona's idea", thread_name="second", wait=True)
    assert town.standin.world.channels[posted.channel.id].parent_id == forum.id


async def test_direct_messages_both_ways_and_closed_doors(stage):
    town, client = stage
    question = town.alice.writes_to(town.bot, "psst")
    await client.told("MESSAGE_CREATE")
    user = await client.fetch_user(town.alice.user.id)
    answer = await user.send("yes?")
    assert answer.channel.id == question.channel_id
    town.bob.user.takes_direct_messages = False
    with pytest.raises(discord.Forbidden) as closed:
        await (await client.fetch_user(town.bob.user.id)).send("hello?")
    assert closed.value.code == 50007


async def test_members_and_roles_change_before_the_bots_eyes(stage):
    town, client = stage
    town.guild.roles[town.guild.id].permissions |= (1 << 28) | (1 << 27)
    guild = client.guilds[0]
    town.bob.leaves(town.guild)
    await client.told("GUILD_MEMBER_REMOVE")
    town.bob.joins(town.guild)
    await client.told("GUILD_MEMBER_ADD")
    member = await guild.fetch_member(town.bob.user.id)
    await member.edit(nick="Bobby")
    assert town.guild.members[town.bob.user.id].nick == "Bobby"
    assert {each.id async for each in guild.fetch_members(limit=None)} == set(town.guild.members)


async def test_channel_deleted_takes_its_threads_and_webhooks_along(stage):
    town, client = stage
    town.guild.roles[town.guild.id].permissions |= (1 << 29) | (1 << 4)
    aside = add_channel(town.standin.world, town.guild, "aside", kind=ChannelType.TEXT)
    aside_seen = await client.fetch_channel(aside.id)
    hook = await aside_seen.create_webhook(name="x")
    thread = await aside_seen.create_thread(name="t", type=discord.ChannelType.public_thread)
    await aside_seen.delete()
    assert {aside.id, thread.id}.isdisjoint(town.standin.world.channels)
    assert hook.id not in town.standin.world.webhooks


async def test_cdn_knows_what_it_has(stage):
    town, _ = stage
    cdn = town.standin.gateway.cdn
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{cdn}/embed/avatars/0.png") as answer:
            assert (answer.status, await answer.read()) == (200, blank_png())
        async with session.get(f"{cdn}/attachments/1/2/no.png") as answer:
            assert answer.status == 404
