"""The unmodified discord.py logs in to the stand-in, hears, answers and is held to account."""

from __future__ import annotations

import discord
import pytest

from tests.discord_standin.entities import ChannelType, Overwrite
from tests.discord_standin.founding import add_channel, add_user
from tests.discord_standin.scene import living, scene


class Echo(discord.Client):
    """Repeats what people say."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(intents=intents or discord.Intents.all(), guild_ready_timeout=0.1)
        self.heard: list[discord.Message] = []

    async def on_message(self, message: discord.Message) -> None:
        if message.author == self.user:
            return
        self.heard.append(message)
        await message.channel.send(f"echo: {message.content}")


async def test_bot_hears_a_person_and_is_heard():
    async with scene() as town:
        client = Echo()
        async with living(client, town.standin, town.bot):
            town.alice.says(town.general, "hello")
            (answer,) = await town.sent()
            assert answer.content == "echo: hello"
            assert answer.author is town.bot.user
            assert client.heard[0].author.name == "alice"
            assert town.standin.gateway.identified == 1


async def test_members_are_known_after_ready_without_a_request():
    async with scene() as town:
        client = Echo()
        async with living(client, town.standin, town.bot):
            (guild,) = client.guilds
            assert {member.name for member in guild.members} == {"alice", "bob", "eos"}
            assert guild.get_channel(town.general.id) is not None


async def test_large_guild_is_chunked():
    async with scene() as town:
        for number in range(1_100):
            user = add_user(town.standin.world, f"user{number}")
            town.standin.person(user).joins(town.guild)
        client = Echo()
        async with living(client, town.standin, town.bot):
            (guild,) = client.guilds
            await guild.chunk()
            assert len(guild.members) == 1_103
            found = await guild.query_members("user109", limit=20)
            assert len(found) == 11  # user109 and user1090 to user1099


async def test_wrong_token_is_refused():
    async with scene() as town:
        town.standin.world.bots.clear()
        with pytest.raises(BaseExceptionGroup) as caught:
            async with living(Echo(), town.standin, town.bot):
                raise AssertionError("it logged in")
        assert caught.group_contains(discord.LoginFailure)


async def test_intents_that_are_off_close_the_gateway_with_4014():
    async with scene() as town:
        town.bot.privileged = 0
        with pytest.raises(BaseExceptionGroup) as caught:
            async with living(Echo(), town.standin, town.bot):
                raise AssertionError("it logged in")
        assert caught.group_contains(discord.PrivilegedIntentsRequired)


async def test_without_message_content_only_mentions_and_direct_messages_are_readable():
    intents = discord.Intents.default()
    async with scene() as town:
        client = Echo(intents)
        async with living(client, town.standin, town.bot):
            town.alice.says(town.general, "secret")
            town.alice.mentions(town.general, town.bot.user, "hi")
            town.alice.writes_to(town.bot, "psst")
            await town.until(lambda: len(client.heard) == 3)
            heard = [message.content for message in client.heard]
            assert heard == ["", f"<@{town.bot.user.id}> hi", "psst"]


async def test_hidden_channel_is_neither_told_nor_open():
    async with scene() as town:
        hidden = add_channel(town.standin.world, town.guild, "hidden")
        hidden.overwrites[town.bot.user.id] = Overwrite(
            id=town.bot.user.id, of_member=True, deny=1 << 10
        )
        client = Echo()
        async with living(client, town.standin, town.bot):
            town.alice.says(hidden, "unheard")
            town.alice.says(town.general, "heard")
            await town.sent()
            assert [message.content for message in client.heard] == ["heard"]
            with pytest.raises(discord.Forbidden) as refused:
                await client.get_partial_messageable(hidden.id).send("knock")
            assert refused.value.code == 50001


async def test_missing_permission_unknown_channel_and_unknown_message_have_their_codes():
    async with scene() as town:
        town.guild.roles[town.guild.id].permissions &= ~(1 << 11)
        client = Echo()
        async with living(client, town.standin, town.bot):
            channel = client.get_partial_messageable(town.general.id)
            with pytest.raises(discord.Forbidden) as mute:
                await channel.send("x")
            with pytest.raises(discord.NotFound) as no_message:
                await channel.fetch_message(5)
            with pytest.raises(discord.NotFound) as no_channel:
                await client.fetch_channel(5)
            codes = [error.value.code for error in (mute, no_message, no_channel)]
            assert codes == [50013, 10008, 10003]


async def test_a_bot_may_send_two_thousand_characters_and_not_one_more():
    async with scene() as town:
        client = Echo()
        async with living(client, town.standin, town.bot):
            channel = client.get_partial_messageable(town.general.id)
            await channel.send("x" * 2_000)
            with pytest.raises(discord.HTTPException) as refused:
                await channel.send("x" * 2_001)
            assert refused.value.code == 50035
            with pytest.raises(discord.HTTPException) as empty:
                await channel.send(" \n ")
            assert empty.value.code == 50006


async def test_forum_category_and_voice_channels_are_understood():
    async with scene() as town:
        world = town.standin.world
        for kind in (ChannelType.FORUM, ChannelType.CATEGORY, ChannelType.VOICE):
            add_channel(world, town.guild, kind.name.lower(), kind=kind)
        client = Echo()
        async with living(client, town.standin, town.bot):
            (guild,) = client.guilds
            assert [len(guild.forums), len(guild.categories), len(guild.voice_channels)] == [1] * 3
            assert len(await guild.fetch_channels()) == 4
