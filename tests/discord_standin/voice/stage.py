"""A scene with a voice channel and a discord.py client that may join it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import discord

from tests.discord_standin.entities import Channel, ChannelType
from tests.discord_standin.founding import add_channel
from tests.discord_standin.people import Person
from tests.discord_standin.scene import Scene, living, scene
from tests.discord_standin.voice.call import Call
from tests.discord_standin.voice.handset import Handset
from tests.discord_standin.voice.receiving import Receiver
from tests.discord_standin.voice.sessions import VoiceSession
from tests.discord_standin.voice.settings import VoiceSettings
from tests.discord_standin.voice.sound import numbered_frames
from tests.discord_standin.voice.switchboard import Switchboard

_PATIENCE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A town with the voice channel Lounge, and a client that has logged in."""

    town: Scene
    lounge: Channel
    client: discord.Client
    connected: list[discord.VoiceClient] = field(default_factory=list)

    @property
    def board(self) -> Switchboard:
        """Voice as a whole."""
        return self.town.standin.gateway.voice

    @property
    def call(self) -> Call:
        """The call in the lounge."""
        return self.board.call_in(self.lounge)

    @property
    def bot_id(self) -> int:
        return self.town.bot.user.id

    @property
    def session(self) -> VoiceSession:
        """The bot's session with the voice server."""
        return self.board.client_of(self.town.bot)

    async def connects(self, **options: Any) -> discord.VoiceClient:
        """Let the client join the lounge."""
        channel = self.client.get_channel(self.lounge.id)
        assert isinstance(channel, discord.VoiceChannel)
        found = await channel.connect(**{"timeout": _PATIENCE_SECONDS} | options)
        assert isinstance(found, discord.VoiceClient)
        self.connected.append(found)
        return found

    async def joins(self, person: Person, channel: Channel | None = None) -> Handset:
        """Let a person join, and wait until the encryption has followed."""
        person.joins_voice(channel or self.lounge)
        await self.settles()
        return person.voice

    async def settles(self) -> None:
        """Wait until nothing about the encryption is under way, the bot's part included."""
        await eventually(lambda: self.call.group.settled and self._all_agree())

    async def understand_each_other(self, client: discord.VoiceClient) -> None:
        """Let Alice and the bot say something, and demand that both hear every frame of it."""
        alice = self.town.alice.voice
        frames = list(numbered_frames(3, 5))
        start = len(alice.recorder.of(self.bot_id))
        receiver = Receiver(client)
        receiver.knows(alice.ssrc, alice.user_id)
        for frame in frames:
            client.send_audio_packet(frame, encode=False)
            alice.sends(frame)
        await eventually(lambda: receiver.count >= len(frames))
        await eventually(lambda: len(alice.recorder.of(self.bot_id)) >= start + len(frames))
        receiver.close()
        assert receiver.of[alice.user_id] == frames
        assert [each.opus for each in alice.recorder.of(self.bot_id)][start:] == frames

    def _all_agree(self) -> bool:
        """Say whether every end has the same keys."""
        if not self.call.group.version or len(self.call.parties) < 2:
            return True
        handsets = [each for each in self.board.handsets.values() if each.call is self.call]
        codes = {each.endpoint.privacy_code for each in handsets}
        for voice in self.client.voice_clients:
            if isinstance(voice, discord.VoiceClient) and self.bot_id in self.call.parties:
                codes.add(voice.voice_privacy_code)
        return len(codes) == 1 and None not in codes


@asynccontextmanager
async def stage(settings: VoiceSettings | None = None, **options: Any) -> AsyncIterator[Stage]:
    """Set the stage; a client that is still connected at the end leaves.

    Args:
        settings: Of the voice side; by default, calls are encrypted.
        **options: Those of ``scene``.
    """
    options = {"limits": False, "voice": settings or VoiceSettings()} | options
    async with scene(**options) as town:
        lounge = add_channel(town.standin.world, town.guild, "Lounge", kind=ChannelType.VOICE)
        client = discord.Client(intents=discord.Intents.all(), guild_ready_timeout=0.1)
        async with living(client, town.standin, town.bot):
            set_up = Stage(town=town, lounge=lounge, client=client)
            try:
                yield set_up
            finally:
                for voice in list(client.voice_clients):
                    await voice.disconnect(force=True)
                await _end_of_polling(set_up.connected)


async def _end_of_polling(clients: list[discord.VoiceClient]) -> None:
    """End what discord.py leaves waiting for a state that already was."""
    for client in clients:
        client._connection._state_event.set()
    pollers = [each._connection._runner for each in clients]
    running = [each for each in pollers if each is not None and not each.done()]
    for poller in running:
        poller.cancel()
    if running:
        await asyncio.wait(running)


async def eventually(condition: Callable[[], object]) -> None:
    """Look again and again until a condition holds; for what no change is told of.

    Raises:
        TimeoutError: it did not in ten seconds.
    """
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  discord.py tells nobody
            await asyncio.sleep(_LOOK_SECONDS)
