"""What people do in a guild besides talking, as discord.py understands it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest

from tests.discord_standin.actions.guilds import outage, recovery
from tests.discord_standin.actions.threads import archive_idle
from tests.discord_standin.changes import Changes
from tests.discord_standin.entities import PINNED, THREAD_CREATED, ChannelType, ForumTag
from tests.discord_standin.founding import add_channel, add_guild
from tests.discord_standin.people import CannotDoThat
from tests.discord_standin.permissions import Permission
from tests.discord_standin.scene import Scene, living, scene
from tests.fakes.clock import ManualClock


class Onlooker(discord.Client):
    """Keeps the names of the events its own hooks are called for."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(intents=intents or discord.Intents.all(), guild_ready_timeout=0.1)
        self.seen: list[str] = []
        self.heard: list[discord.Message] = []
        self._changes = Changes()

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        super().dispatch(event, *args, **kwargs)
        self.seen.append(event)
        if event == "message":
            self.heard.append(args[0])
        self._changes.notify()

    async def sees(self, event: str) -> None:
        """Wait until an event came, and forget those up to it."""
        await self._changes.until(lambda: event in self.seen)
        del self.seen[: self.seen.index(event) + 1]


@pytest.fixture
async def stage() -> AsyncIterator[tuple[Scene, Onlooker, discord.Guild]]:
    """A town with a client that has logged in, and the guild as the client knows it."""
    async with scene(limits=False) as town:
        client = Onlooker()
        async with living(client, town.standin, town.bot):
            yield town, client, client.guilds[0]


async def test_presence_of_people_is_told_and_known_to_who_comes_later(stage):
    town, client, guild = stage
    alice = guild.get_member(town.alice.user.id)
    assert alice.status is discord.Status.offline
    town.alice.shows("Chess", status="idle")
    await client.sees("presence_update")
    assert (alice.status, alice.activity.name) == (discord.Status.idle, "Chess")
    town.alice.shows(status="offline")
    await client.sees("presence_update")
    assert (alice.status, alice.activity) == (discord.Status.offline, None)
    town.bob.shows("Go")
    late = Onlooker()
    async with living(late, town.standin, town.bot):
        known: Any = late.guilds[0].get_member(town.bob.user.id)
        assert known.activity.name == "Go"


async def test_without_the_intent_no_presence_is_told():
    intents = discord.Intents.default() | discord.Intents(members=True)
    async with scene() as town:
        client = Onlooker(intents)
        async with living(client, town.standin, town.bot):
            town.alice.shows("Chess")
            town.alice.types(town.general)
            await client.sees("typing")
            assert "presence_update" not in client.seen
            alice = client.guilds[0].get_member(town.alice.user.id)
            assert alice
            assert alice.activity is None


async def test_people_who_edit_delete_and_react_are_heard(stage):
    town, client, _ = stage
    said = town.bob.says(town.general, "one")
    town.bob.edits(said, "two")
    await client.sees("message_edit")
    town.alice.reacts(said, "👍")
    await client.sees("reaction_add")
    town.alice.takes_back(said, "👍")
    await client.sees("reaction_remove")
    town.bob.deletes(said)
    await client.sees("message_delete")
    with pytest.raises(CannotDoThat):
        town.bob.deletes(town.alice.says(town.general, "hers"))


async def test_slowmode_holds_people_and_neither_bots_nor_the_owner(clock: ManualClock):
    async with scene(clock=clock, limits=False) as town:
        client = Onlooker()
        async with living(client, town.standin, town.bot):
            town.alice.changes_channel(town.general, slowmode_seconds=10)
            town.bob.deletes(town.bob.says(town.general, "one"))
            clock.advance(9.5)
            with pytest.raises(CannotDoThat, match="20016"):
                town.bob.says(town.general, "two")
            clock.advance(0.5)
            town.bob.says(town.general, "two")
            for text in ("a", "b"):
                town.alice.says(town.general, text)
                await client.get_partial_messageable(town.general.id).send(text)


async def test_threads_of_people_fall_asleep_wake_and_are_locked(clock: ManualClock):
    async with scene(clock=clock, limits=False) as town:
        client = Onlooker()
        async with living(client, town.standin, town.bot):
            thread = town.bob.opens_thread(town.general, "aside")
            await client.sees("thread_create")
            assert [each.type for each in town.general.messages.values()] == [THREAD_CREATED]
            town.bob.says(thread, "here")
            clock.advance(1439 * 60)
            assert archive_idle(town.standin.site) == []
            clock.advance(60)
            assert archive_idle(town.standin.site) == [thread]
            await client.sees("thread_update")
            channel = client.get_partial_messageable(thread.id)
            await channel.send("awake")
            await client.sees("thread_join")
            assert thread.thread
            assert not thread.thread.archived
            town.alice.archives(thread, locked=True)
            await client.sees("thread_update")
            with pytest.raises(discord.HTTPException) as refused:
                await channel.send("locked")
            assert refused.value.code == 50083
            with pytest.raises(CannotDoThat):
                town.bob.says(thread, "locked")
            parent = client.get_channel(town.general.id)
            assert isinstance(parent, discord.TextChannel)
            assert [each.id async for each in parent.archived_threads()] == [thread.id]


async def test_bot_hears_of_a_private_thread_once_it_is_added(stage):
    town, client, guild = stage
    thread = town.alice.opens_thread(town.general, "secret", private=True)
    town.alice.says(thread, "unheard")
    with pytest.raises(discord.Forbidden):
        await client.fetch_channel(thread.id)
    town.alice.adds_to_thread(thread, town.bot.user)
    town.alice.says(thread, "heard")
    await client.sees("message")
    assert [message.content for message in client.heard] == ["heard"]
    assert guild.get_thread(thread.id).me is not None


async def test_post_in_a_forum_has_the_id_of_its_first_message(stage):
    town, client, guild = stage
    forum = town.alice.opens_channel(town.guild, "ideas", kind=ChannelType.FORUM)
    forum.tags.append(ForumTag(id=town.standin.world.ids.next(), name="new"))
    town.alice.changes_channel(forum, topic="what to do")
    await client.sees("guild_channel_update")
    post = town.bob.posts(forum, "An idea", "text", tags=forum.tags)
    town.alice.says(post, "good")
    await client.sees("message")
    await client.sees("message")
    thread = guild.get_thread(post.id)
    assert [tag.name for tag in thread.applied_tags] == ["new"]
    assert thread.starter_message.content == "text"
    assert (thread.message_count, client.heard[0].id) == (0, thread.id)
    assert (await client.fetch_channel(thread.id)).message_count == 1


async def test_bot_is_thrown_out_and_comes_back(stage):
    town, client, _ = stage
    town.alice.throws_out(town.guild, town.bot.user)
    await client.sees("guild_remove")
    assert not list(client.guilds)
    with pytest.raises(discord.Forbidden) as refused:
        await client.get_partial_messageable(town.general.id).send("?")
    assert refused.value.code == 50001
    town.standin.person(town.bot.user).joins(town.guild)
    await client.sees("guild_join")
    assert client.guilds[0].member_count == 3


async def test_outage_is_no_departure(stage):
    town, client, _ = stage
    outage(town.standin.site, town.guild)
    await client.sees("guild_unavailable")
    recovery(town.standin.site, town.guild)
    await client.sees("guild_available")
    assert "guild_join" not in client.seen


async def test_channels_roles_and_overwrites_change_before_the_bots_eyes(stage):
    town, client, guild = stage
    role = town.alice.makes_role(town.guild, "Guests", permissions=Permission.MANAGE_WEBHOOKS)
    await client.sees("guild_role_create")
    town.alice.gives_role(town.guild, town.bot.user, role)
    await client.sees("member_update")
    channel = client.get_channel(town.general.id)
    assert isinstance(channel, discord.TextChannel)
    assert channel.permissions_for(guild.me).manage_webhooks
    hook = await channel.create_webhook(name="Persona")
    await client.sees("webhooks_update")
    town.alice.deletes_webhook(town.standin.world.webhooks[hook.id])
    await client.sees("webhooks_update")
    with pytest.raises(discord.NotFound) as gone:
        await hook.send("?")
    assert gone.value.code == 10015
    town.alice.overwrites(town.general, town.bot.user, deny=Permission.VIEW_CHANNEL)
    await client.sees("guild_channel_update")
    assert not channel.permissions_for(guild.me).view_channel
    town.alice.overwrites(town.general, town.bot.user)
    await client.sees("guild_channel_update")
    town.alice.deletes_role(town.guild, role)
    await client.sees("guild_role_delete")
    assert not channel.permissions_for(guild.me).manage_webhooks
    town.alice.closes(town.general)
    await client.sees("guild_channel_delete")
    with pytest.raises(discord.NotFound):
        await channel.send("?")


async def test_bot_that_may_runs_channels_roles_pins_and_bans_itself(stage):
    town, client, guild = stage
    town.guild.roles[town.guild.id].permissions |= Permission.ADMINISTRATOR
    overwrites = {guild.default_role: discord.PermissionOverwrite(send_messages=False)}
    channel = await guild.create_text_channel("made", overwrites=overwrites)
    assert not channel.permissions_for(guild.default_role).send_messages
    await channel.set_permissions(guild.default_role, send_messages=True)
    await channel.set_permissions(guild.default_role, overwrite=None)
    assert town.standin.world.channels[channel.id].overwrites == {}
    role = await guild.create_role(name="made", colour=discord.Colour(0x123456))
    await role.edit(name="renamed")
    assert town.guild.roles[role.id].name == "renamed"
    await role.delete()
    message = await channel.send("pin me")
    await message.pin()
    assert [each.id async for each in channel.pins()] == [message.id]
    assert town.standin.world.channels[channel.id].messages.popitem()[1].type == PINNED
    await message.unpin()
    bob = guild.get_member(town.bob.user.id)
    await bob.ban()
    await client.sees("member_ban")
    with pytest.raises(CannotDoThat, match="banned"):
        town.bob.joins(town.guild)
    await guild.unban(bob)
    town.bob.joins(town.guild)
    await client.sees("member_join")
    await guild.get_member(town.bob.user.id).kick()
    assert town.bob.user.id not in town.guild.members


async def test_shards_share_the_guilds_and_direct_messages_go_to_the_first():
    async with scene() as town:
        world = town.standin.world
        town.standin.gateway.recommended_shards = 2
        guilds = [town.guild]
        while len({(guild.id >> 22) % 2 for guild in guilds}) < 2:
            guilds.append(
                add_guild(world, "Other", owner=town.alice.user, members=(town.bot.user,))
            )
        client = discord.AutoShardedClient(
            intents=discord.Intents.all(), guild_ready_timeout=0.1, assume_unsync_clock=False
        )
        heard: list[tuple[int | None, str]] = []
        changes = Changes()

        async def on_message(message: discord.Message) -> None:
            heard.append((message.guild.shard_id if message.guild else None, message.content))
            changes.notify()

        async def at_once(shard_id: int | None, *, initial: bool = False) -> None:
            """Skip the five seconds between shards."""

        client.event(on_message)
        client.before_identify_hook = at_once  # type: ignore[method-assign]
        async with living(client, town.standin, town.bot):
            assert client.shard_count == 2
            assert {guild.id for guild in client.guilds} == {guild.id for guild in guilds}
            for guild in guilds:
                town.alice.says(add_channel(world, guild, "hall"), str((guild.id >> 22) % 2))
            town.alice.writes_to(town.bot, "direct")
            await changes.until(lambda: len(heard) == len(guilds) + 1)
            assert (None, "direct") in heard
            assert all(str(shard) == text for shard, text in heard if shard is not None)
