"""A link to the stand-in's voice channel, with somebody who talks to it and listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import discord

from frontends.discord.voice.link import VoiceLink
from services.domain.audio import SpeakerFrame
from services.domain.clock import SystemClock
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.observability.metrics import Metrics
from tests.discord_standin.people import Person
from tests.discord_standin.voice.opus import FRAME_BYTES
from tests.discord_standin.voice.sound import frames_of_pcm, tone
from tests.discord_standin.voice.stage import Stage, eventually

FRAME_SECONDS = 0.02


def human(user_id: int) -> Author:
    """Return a human with that id."""
    return Author(id=AuthorId("discord", str(user_id)), display_name=f"user {user_id}")


@dataclass
class Linked:
    """A link in the lounge, and what was heard over it so far."""

    here: Stage
    link: VoiceLink
    metrics: Metrics
    heard: list[SpeakerFrame] = field(default_factory=list)

    @property
    def client(self) -> discord.VoiceClient:
        return self.link._client

    def of(self, user_id: int) -> list[SpeakerFrame]:
        """Return what one person was heard saying."""
        return [each for each in self.heard if each.speaker.id == human(user_id).id]

    def pcm_of(self, user_id: int) -> bytes:
        return b"".join(each.frame.pcm for each in self.of(user_id))

    @asynccontextmanager
    async def talk(self, person: Person) -> AsyncIterator[None]:
        """Let a person and the bot talk without end, over whatever becomes of the connection."""
        pcm = tone(330, FRAME_SECONDS)
        async with asyncio.TaskGroup() as group:
            talking = group.create_task(self._says(person))
            try:
                async with self.link.playing(lambda: pcm[:FRAME_BYTES]):
                    yield
            finally:
                talking.cancel()

    async def both_ways(self, person: Person, *, count: int = 10) -> None:
        """Wait until that many more frames came through in both directions."""
        before, user_id = len(self.of(person.user.id)), person.user.id
        said = len(person.voice.recorder.frames_of(self.here.bot_id))
        await eventually(lambda: len(self.of(user_id)) >= before + count)
        await eventually(
            lambda: len(person.voice.recorder.frames_of(self.here.bot_id)) >= said + count
        )

    async def _says(self, person: Person) -> None:
        frames = frames_of_pcm(tone(440, 1.0))
        announced = None
        while True:
            for frame in frames:
                with contextlib.suppress(KeyError):  # between two calls
                    voice = person.voice
                    if voice is not announced:
                        voice.announces()
                    announced = voice
                    voice.sends(frame)
                await asyncio.sleep(FRAME_SECONDS)


@asynccontextmanager
async def linked(
    here: Stage,
    *,
    author_of: Callable[[int], Author | None] = human,
    channel: int | None = None,
) -> AsyncIterator[Linked]:
    """Join, and collect what is heard; at the end, leave."""
    place = here.client.get_channel(channel or here.lounge.id)
    assert isinstance(place, discord.VoiceChannel)
    metrics = Metrics()
    link = await VoiceLink.connect(place, author_of=author_of, clock=SystemClock(), metrics=metrics)
    found = Linked(here=here, link=link, metrics=metrics)

    async def listen() -> None:
        async with contextlib.aclosing(link.frames()) as frames:
            async for each in frames:
                found.heard.append(each)

    async with asyncio.TaskGroup() as group:
        group.create_task(listen())
        try:
            yield found
        finally:
            await link.close()
