"""What a call is held with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from frontends.discord.voice.presence import Admission, CallChannel
from services.domain.people import Author
from services.voice.audio_io import AudioInput, AudioOutput
from services.voice.service import VoiceService

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot


class Link(AudioInput, AudioOutput, Protocol):
    """A connection to a server's voice, as ``VoiceLink`` is."""

    closed: asyncio.Event

    @property
    def ending(self) -> str | None:
        """Why it is over; ``None`` until it is."""
        ...

    def heed(self, user_id: int) -> None:
        """Look anew whether somebody is to be heard."""
        ...

    async def move(self, channel: CallChannel) -> None:
        """Go into another channel. Raises ``AcoreError``."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...

    def health(self) -> Any:  # noqa: ANN401  a LinkHealth, whose module needs davey
        """Return how it fares."""
        ...


Connect = Callable[[CallChannel, Callable[[int], Author | None]], Awaitable[Link]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallParts:
    """What a call is held with; ``minute`` is in seconds, shorter for tests alone."""

    bot: AcoreBot
    voice: VoiceService
    admission: Admission
    connect: Connect
    minute: float = 60.0
