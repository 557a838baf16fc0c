"""The unmodified discord.py joins the stand-in's voice channels, speaks and is spoken to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import discord

from tests.discord_standin.entities import Channel, ChannelType
from tests.discord_standin.founding import add_channel
from tests.discord_standin.scene import Scene, living, scene
from tests.discord_standin.voice.settings import VoiceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A voice channel of a town, with a client that may join it."""

    town: Scene
    lounge: Channel
    client: discord.Client

    async def connects(self) -> discord.VoiceClient:
        """Let the client join."""
        channel = self.client.get_channel(self.lounge.id)
        assert isinstance(channel, discord.VoiceChannel)
        return await channel.connect(timeout=10.0)


@asynccontextmanager
async def stage(settings: VoiceSettings) -> AsyncIterator[Stage]:
    """Set the stage; whoever is still connected at the end leaves."""
    async with scene(limits=False, voice=settings) as town:
        lounge = add_channel(town.standin.world, town.guild, "Lounge", kind=ChannelType.VOICE)
        client = discord.Client(intents=discord.Intents.all(), guild_ready_timeout=0.1)
        async with living(client, town.standin, town.bot):
            yield Stage(town=town, lounge=lounge, client=client)
            for voice in list(client.voice_clients):
                await voice.disconnect(force=True)


async def test_plain():
    async with stage(VoiceSettings(dave_version=0)) as here:
        vc = await here.connects()
        alice = here.town.alice
        alice.joins_voice(here.lounge)
        for n in range(5):
            vc.send_audio_packet(b"hello%d" % n, encode=False)
        await here.town.until(lambda: len(alice.voice.recorder.heard) == 5)
        assert alice.voice.recorder.frames_of(here.town.bot.user.id) == [b"hello%d" % n for n in range(5)]


async def test_dave():
    async with stage(VoiceSettings(dave_version=1)) as here:
        vc = await here.connects()
        alice = here.town.alice
        alice.joins_voice(here.lounge)
        await here.town.until(lambda: alice.voice.secure)
        await here.town.until(lambda: vc._connection.can_encrypt)
        assert vc.voice_privacy_code == alice.voice.endpoint.privacy_code
        for n in range(5):
            vc.send_audio_packet(b"hello%d" % n, encode=False)
        await here.town.until(lambda: len(alice.voice.recorder.heard) == 5)
        assert alice.voice.recorder.frames_of(here.town.bot.user.id) == [b"hello%d" % n for n in range(5)]
        assert all(each.encrypted for each in alice.voice.recorder.heard)
        here.town.bob.joins_voice(here.lounge)
        await here.town.until(lambda: here.town.bob.voice.secure)
