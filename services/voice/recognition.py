"""Speech becomes text: what every engine promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.domain.audio import AudioClip


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was understood; ``confidence`` is 0 to 1, and an empty ``text`` means no words."""

    text: str
    language: str | None = None
    confidence: float | None = None


class SpeechToText(Protocol):
    """An engine that listens."""

    @property
    def name(self) -> str:
        """A stable name, such as ``whisper``."""
        ...

    async def open(self) -> None:
        """Make ready, so that the next call answers at once; idempotent. ``ProviderError``."""
        ...

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        """Return the words of a clip at 16 kHz; ``language`` is a BCP 47 tag or unknown.

        Cancelled, it stops working on the clip or lets the result go. Raises ``ProviderError``.
        """
        ...

    async def close(self) -> None:
        """Give everything back; idempotent."""
        ...
