"""Emojis an application owns, over real sockets: the bot keeps its personas' faces there."""

from __future__ import annotations

import aiohttp
import discord
import pytest

from tests.discord_standin.rest.cdn import blank_png
from tests.discord_standin.rest.emojis import MOST_BYTES
from tests.discord_standin.scene import living, scene


@pytest.fixture
async def stage():
    """A town with a client that has logged in."""
    async with scene(limits=False) as town:
        client = discord.Client(intents=discord.Intents.default(), guild_ready_timeout=0.1)
        async with living(client, town.standin, town.bot):
            yield town, client


async def test_emoji_is_made_listed_renamed_served_and_gone(stage):
    town, client = stage
    made = await client.create_application_emoji(name="eos_face", image=blank_png())
    assert (made.name, made.animated, made.available) == ("eos_face", False, True)
    assert [each.id for each in await client.fetch_application_emojis()] == [made.id]
    assert made.url == f"{town.standin.gateway.cdn}/emojis/{made.id}.png"
    assert await made.read() == blank_png()
    renamed = await made.edit(name="eos_smile")
    assert (await client.fetch_application_emoji(made.id)).name == renamed.name == "eos_smile"
    await made.delete()
    assert await client.fetch_application_emojis() == []
    async with aiohttp.ClientSession() as session, session.get(made.url) as answer:
        assert answer.status == 404
    with pytest.raises(discord.NotFound) as gone:
        await client.fetch_application_emoji(made.id)
    assert gone.value.code == 10014


@pytest.mark.parametrize("spare", [0, 1])
async def test_emoji_may_have_256_kibibytes_and_not_one_more(stage, spare: int):
    _, client = stage
    image = blank_png().ljust(MOST_BYTES + spare, b"\0")
    if not spare:
        assert await client.create_application_emoji(name="heavy", image=image)
        return
    with pytest.raises(discord.HTTPException) as refused:
        await client.create_application_emoji(name="heavy", image=image)
    assert (refused.value.code, "256.0 kb" in str(refused.value)) == (50035, True)


@pytest.mark.parametrize("name", ["a", "x" * 33, "with space", "dash-ed", "taken"])
async def test_name_must_be_a_free_word(stage, name: str):
    _, client = stage
    await client.create_application_emoji(name="taken", image=blank_png())
    with pytest.raises(discord.HTTPException) as refused:
        await client.create_application_emoji(name=name, image=blank_png())
    assert refused.value.code == 50035


async def test_anothers_emojis_are_out_of_reach(stage):
    town, client = stage
    with pytest.raises(discord.Forbidden):
        await client.http.get_application_emojis(town.alice.user.id)
