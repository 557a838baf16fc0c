"""A voice channel as ears and mouth of a call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Self

import discord

from frontends.discord.voice.client import CallClient
from frontends.discord.voice.hooks import assert_hooks
from frontends.discord.voice.libopus import load_libopus
from frontends.discord.voice.persistence import Ending
from frontends.discord.voice.receiver import Counts, Receiver
from frontends.discord.voice.sender import Sender
from services.domain.audio import SpeakerFrame
from services.domain.clock import Clock
from services.domain.errors import AcoreError, Busy, NotAllowed, NotFound
from services.domain.people import Author, AuthorKind
from services.observability.metrics import Metrics
from services.voice.audio_io import BlockSource

VoiceChannel = discord.VoiceChannel | discord.StageChannel

_JOINING_SECONDS: Final = 15.0
_REPORT_SECONDS: Final = 1.0
_OUTCOMES: Final = ("heard", "guessed", "lost", "broken", "late", "locked", "overflowed")
_STRANGER_SECONDS: Final = 10.0
"""After how long somebody nobody knew is looked up again, unless they are heeded before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHealth:
    """How a link fares; ``latency`` is the voice gateway's, in seconds, once it is known.

    ``encrypted`` means end to end. ``sessions`` and ``resumptions`` count how often a voice server
    was greeted, and come back to; ``counts`` is what came of packets.
    """

    connected: bool
    endpoint: str | None
    latency: float | None
    encrypted: bool
    others: int
    deafened: bool
    muted: bool
    sessions: int
    resumptions: int
    counts: Counts


class VoiceLink:
    """One connection to one guild's voice, an ``AudioInput`` and an ``AudioOutput``.

    It follows the bot from channel to channel and comes back after whatever breaks, until
    ``closed`` is set: the bot left, was removed, or could not get in any more, as ``ending`` says.
    """

    def __init__(
        self,
        client: CallClient,
        *,
        author_of: Callable[[int], Author | None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.closed = asyncio.Event()
        self._client = client
        self._author_of = author_of
        self._clock = clock
        self._metrics = metrics
        self._strangers: dict[int, float] = {}
        self._sessions_told = 0
        self._told = Counts()
        self._reported_at = 0.0
        connection = client.connection
        self._receiver = Receiver(
            connection, connection.speakers, clock, deaf=connection.start_recovery
        )
        connection.begins = self._begin
        connection.passed_on = self._receiver.pass_on
        connection.ended = self._end

    @classmethod
    async def connect(
        cls,
        channel: VoiceChannel,
        *,
        author_of: Callable[[int], Author | None],
        clock: Clock,
        metrics: Metrics,
        timeout: float = _JOINING_SECONDS,
    ) -> Self:
        """Join a channel.

        Args:
            channel: Where; in its guild the bot is in no other.
            author_of: Returns who a user id is; nobody hears those it does not know, nor bots. It
                is asked on the event loop for each frame, so it answers from memory.
            clock: Of ``started_at`` of frames, and of what is sent.
            metrics: Of both ways.
            timeout: In seconds.

        Raises:
            AcoreError: the bot cannot, for a reason that is told.
        """
        assert_hooks()
        await asyncio.to_thread(load_libopus)
        _demand_permissions(channel)
        links: list[Self] = []

        def build(client: discord.Client, place: discord.abc.Connectable) -> CallClient:
            found = CallClient(client, place)
            links.append(cls(found, author_of=author_of, clock=clock, metrics=metrics))
            return found

        try:
            await channel.connect(cls=build, timeout=timeout)
        except TimeoutError:
            raise _did_not_answer(channel) from None
        except discord.ConnectionClosed as error:
            raise AcoreError(
                "voice_refused",
                f"Discord's voice server refused the bot (code {error.code}): update the bot.",
            ) from error
        except discord.ClientException as error:
            raise Busy(
                "voice_elsewhere", "I am in a voice channel of this server already; use that one."
            ) from error
        except discord.DiscordException as error:
            raise _did_not_answer(channel) from error
        return links[0]

    @property
    def channel(self) -> VoiceChannel:
        """Where the bot is now, or was last."""
        return self._client.channel

    @property
    def ending(self) -> Ending | None:
        """Why it is over; ``None`` until it is."""
        return self._client.connection.ending if self.closed.is_set() else None

    async def frames(self) -> AsyncGenerator[SpeakerFrame, None]:
        """Yield what people say, 16 kHz mono; ``started_at`` is when it arrived.

        For one reader. Who reads too slowly misses the oldest, and never holds up the connection.
        """
        while heard := await self._receiver.heard():
            self._report(heard[-1].frame.started_at)
            for each in heard:
                speaker = self._speaker(each.user_id, each.frame.started_at)
                if speaker is not None:
                    yield SpeakerFrame(speaker=speaker, frame=each.frame)

    @asynccontextmanager
    async def playing(self, source: BlockSource, /) -> AsyncIterator[None]:
        """Send what ``source`` gives while entered."""
        async with Sender(self._client, source, self._clock, self._metrics):
            yield

    def heed(self, user_id: int) -> None:
        """Look anew who somebody is, who was perhaps nobody until now."""
        if self._strangers.pop(user_id, None) is not None:
            self._receiver.ignored = dict(self._strangers)

    async def move(self, channel: VoiceChannel) -> None:
        """Go into another channel of the same guild.

        Raises:
            AcoreError: the bot cannot, for a reason that is told; it stays where it is.
        """
        _demand_permissions(channel)
        try:
            await self._client.move_to(channel, timeout=_JOINING_SECONDS)
        except (TimeoutError, discord.DiscordException) as error:
            raise _did_not_answer(channel) from error
        if self.closed.is_set():
            raise NotFound("voice_over", "I am in no voice channel any more; let me join again.")

    async def close(self) -> None:
        """Leave; takes at most a few seconds, whatever Discord does."""
        await self._client.disconnect(force=True)

    def health(self) -> LinkHealth:
        """Return how it fares at this moment."""
        client, connection = self._client, self._client.connection
        mine = client.guild.me.voice
        latency = client.latency
        return LinkHealth(
            connected=client.is_connected(),
            endpoint=client.endpoint,
            latency=latency if latency < float("inf") else None,
            encrypted=connection.can_encrypt,
            others=len(connection.speakers.roster),
            deafened=bool(mine and mine.deaf),
            muted=bool(mine and (mine.mute or mine.suppress)),
            sessions=connection.sessions,
            resumptions=connection.resumptions,
            counts=replace(self._receiver.counts),
        )

    def _begin(self) -> None:
        """Listen to a new session; the first one begins to be listened to at all."""
        self._receiver.begin_anew()
        if self._sessions_told:
            self._metrics.count("voice_reconnects")
        else:
            self._client.connection.add_socket_listener(self._receiver.take)
        self._sessions_told += 1

    def _report(self, now: float) -> None:
        """Record once a second what became of frames."""
        if now - self._reported_at < _REPORT_SECONDS:
            return
        self._reported_at = now
        counts, told = self._receiver.counts, self._told
        self._told = replace(counts)
        for outcome in _OUTCOMES:
            new = getattr(counts, outcome) - getattr(told, outcome)
            if new > 0:
                self._metrics.count("voice_frames_received", new, outcome=outcome)

    def _end(self, _: Ending) -> None:
        self._receiver.close()
        self.closed.set()

    def _speaker(self, user_id: int, now: float) -> Author | None:
        """Return who speaks; those nobody is to hear are not decoded for a while."""
        speaker = self._author_of(user_id)
        if speaker is not None and speaker.kind is AuthorKind.HUMAN:
            return speaker
        self._strangers = {
            each: until for each, until in self._strangers.items() if until > now
        } | {user_id: now + _STRANGER_SECONDS}
        self._receiver.ignored = dict(self._strangers)
        return None


def _demand_permissions(channel: VoiceChannel) -> None:
    allowed = channel.permissions_for(channel.guild.me)
    if not (allowed.view_channel and allowed.connect):
        raise NotAllowed(
            "voice_not_allowed",
            f"I may not join {channel.mention}: give me the permission Connect there.",
        )
    inside = len(channel.voice_states)
    if channel.user_limit and inside >= channel.user_limit and not allowed.move_members:
        raise Busy("voice_full", f"{channel.mention} is full; make room for me or raise its limit.")


def _did_not_answer(channel: VoiceChannel) -> AcoreError:
    return AcoreError(
        "voice_unreachable",
        f"I could not get into {channel.mention}: Discord did not answer; try again in a minute.",
    )
