"""Calls in the tests' Discord without sound cards, networks or models."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import discord
from dependency_injector import providers

from frontends.discord.voice.calls import Calls
from frontends.discord.voice.held_call import HeldCall
from frontends.discord.voice.link import LinkHealth
from frontends.discord.voice.presence import CallChannel
from frontends.discord.voice.receiver import Counts
from services.domain.audio import AudioFrame, SpeakerFrame
from services.domain.errors import AcoreError
from services.domain.people import Author
from services.llm.model import ChatModel
from services.settings import VoiceSettings
from services.voice.audio_io import BLOCK_SECONDS, BlockSource
from services.voice.service import Engines, VoiceService
from tests.discord_standin.entities import Channel, ChannelType, Message
from tests.discord_standin.founding import add_channel
from tests.discord_standin.people import Person
from tests.discord_standin.scene import Scene
from tests.discord_standin.voice.certificate import trust_here
from tests.fakes.discord_app import DiscordApp
from tests.fakes.discord_commands import command_app, told
from tests.fakes.speech import LoudnessProbability, hush, tone
from tests.fakes.voice_engines import FakeEars, FakeSpeech

STEP_BYTES = int(16_000 * BLOCK_SECONDS) * 2
MINUTE = 0.3


class FakeLink:
    """A connection that people are heard over without packets; the bot only seems to be there."""

    def __init__(self, channel: CallChannel, author_of: Callable[[int], Author | None]) -> None:
        self.channel = channel
        self.closed = asyncio.Event()
        self.ending: str | None = None
        self.refuses_to_move: AcoreError | None = None
        self.blocks = 0
        """How many blocks with sound were played."""
        self.counts = Counts()
        self.heeded: list[int] = []
        self._author_of = author_of
        self._sound: asyncio.Queue[SpeakerFrame | None] = asyncio.Queue()

    async def frames(self) -> AsyncGenerator[SpeakerFrame, None]:
        while not self.closed.is_set():
            heard = await self._sound.get()
            if heard is not None:
                yield heard

    @asynccontextmanager
    async def playing(self, source: BlockSource, /) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._play(source))
            try:
                yield
            finally:
                task.cancel()

    def heed(self, user_id: int) -> None:
        self.heeded.append(user_id)

    async def move(self, channel: CallChannel) -> None:
        if self.refuses_to_move is not None:
            raise self.refuses_to_move
        self.channel = channel
        await channel.guild.change_voice_state(channel=channel)

    async def close(self) -> None:
        if not self.closed.is_set():
            self.ends("left")
            await self.channel.guild.change_voice_state(channel=None)

    def ends(self, why: str) -> None:
        """Be over."""
        self.ending = why
        self.closed.set()
        self._sound.put_nowait(None)

    def health(self) -> LinkHealth:
        return LinkHealth(
            connected=True,
            endpoint="here",
            latency=0.02,
            encrypted=True,
            others=1,
            deafened=False,
            muted=False,
            sessions=1,
            resumptions=0,
            counts=self.counts,
        )

    async def hears(self, who: Person, *, seconds: float = 0.5) -> bool:
        """Let somebody speak, and be silent for a moment; ``False`` when nobody may hear them."""
        pcm = tone(440, seconds) + hush(0.3)
        heard = False
        for start in range(0, len(pcm), STEP_BYTES):
            author = self._author_of(who.user.id)
            if author is not None:
                heard = True
                at = asyncio.get_running_loop().time()
                part = pcm[start : start + STEP_BYTES]
                frame = AudioFrame(pcm=part, rate=16_000, channels=1, started_at=at)
                self._sound.put_nowait(SpeakerFrame(speaker=author, frame=frame))
            await asyncio.sleep(BLOCK_SECONDS)
        return heard

    async def _play(self, source: BlockSource) -> None:
        while True:
            block = source()
            self.blocks += bool(block and any(block))
            await asyncio.sleep(BLOCK_SECONDS)


class Loudness:
    """Tells speech by loudness, without a model."""

    async def open(self) -> None:
        pass

    def __call__(self) -> LoudnessProbability:
        return LoudnessProbability()


@dataclass
class Links:
    """Connects for a test; ``refusal`` is raised instead."""

    made: list[FakeLink] = field(default_factory=list)
    refusal: AcoreError | None = None

    async def connect(
        self, channel: CallChannel, author_of: Callable[[int], Author | None]
    ) -> FakeLink:
        if self.refusal is not None:
            raise self.refusal
        link = FakeLink(channel, author_of)
        await channel.guild.change_voice_state(channel=channel)
        self.made.append(link)
        return link


@dataclass
class Callers:
    """A town whose bot can be called into the voice channel Lounge."""

    live: DiscordApp
    town: Scene
    lounge: Channel
    links: Links
    service: VoiceService
    speech: FakeSpeech
    ears: FakeEars

    @property
    def held(self) -> HeldCall | None:
        """The call there is."""
        return self.live.bot.calls.find(self.town.guild.id)

    @property
    def link(self) -> FakeLink:
        """The last connection."""
        return self.links.made[-1]

    def chat(self, channel: Channel | None = None) -> list[Message]:
        """What the bot wrote for everybody in the chat of the voice channel."""
        kept = (channel or self.lounge).messages.values()
        return [one for one in kept if one.author.bot and one.shown_only_to is None]

    def wrote(self, words: str, channel: Channel | None = None) -> bool:
        """Tell whether the bot wrote something there."""
        return any(words in one.content for one in self.chat(channel))

    def said(self) -> str:
        """What was spoken, all of it."""
        return " ".join(text for text, _ in self.speech.said)

    async def calls(self, who: Person, channel: Channel | None = None) -> HeldCall:
        """Let somebody enter the lounge and call the bot, and wait until it listens."""
        await enters(self, who, channel)
        who.uses(self.town.general, self.town.bot, "voice join")
        await self.until(lambda: self.held and self.held.call and self.held.call.listening)
        assert self.held is not None
        return self.held

    async def until(self, condition: Callable[[], object]) -> None:
        """Look again and again until a condition holds."""
        async with asyncio.timeout(20.0):
            while not condition():  # noqa: ASYNC110  not everything is told of
                await asyncio.sleep(0.01)


@asynccontextmanager
async def callers(
    town: Scene,
    model: ChatModel,
    data: Path,
    monkeypatch: Any,
    *,
    links: Links | None = None,
    real: bool = False,
    **options: Any,
) -> AsyncIterator[Callers]:
    """Open the bot in a town with voice over fake engines; ``real`` joins as it would for real."""
    known = links or Links()
    if real:
        trust_here()
    connect = None if real else known.connect
    monkeypatch.setattr(
        "frontends.discord.bot.Calls", partial(Calls, connect=connect, minute=MINUTE)
    )
    lounge = add_channel(town.standin.world, town.guild, "Lounge", kind=ChannelType.VOICE)
    speech = FakeSpeech(seconds_per_character=0.01)
    ears = FakeEars(texts=deque())
    async with command_app(town, model, data, **options) as live:
        factory = live.app.factory
        service = VoiceService(
            Engines(speech=speech, ears=ears, completion=None, probability=Loudness()),
            conversations=factory.conversations(),
            library=factory.library(),
            voices=factory.voices(),
            settings=VoiceSettings(),
            clock=factory.clock(),
            ids=factory.ids(),
        )
        factory.voice.override(providers.Object(service))
        yield Callers(live, town, lounge, known, service, speech, ears)


async def asks(here: Callers, who: Person, name: str, /, **options: Any) -> str:
    """Let somebody use a command in #general, and return the answer."""
    asked = who.uses(here.town.general, here.town.bot, name, **options)
    return (await told(here.town, who, asked))[0]


async def enters(here: Callers, who: Person, channel: Channel | None = None) -> None:
    """Let somebody into a voice channel, and wait until the bot knows."""
    place = channel or here.lounge
    who.joins_voice(place)

    def inside() -> bool:
        channel = here.live.bot.get_channel(place.id)
        return isinstance(channel, discord.VoiceChannel) and who.user.id in channel.voice_states

    await here.until(inside)
