"""Text becomes speech: what every engine promises."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.domain.audio import AudioFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How something is to be said; engines take what they understand.

    ``name`` is an engine's own name of a voice, ``None`` its default. ``speed`` multiplies,
    ``pitch`` is in semitones, ``mood`` a word such as ``sad``, ``language`` a BCP 47 tag.
    """

    name: str | None = None
    speed: float = 1.0
    pitch: float = 0.0
    mood: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceListing:
    """A voice an engine has."""

    name: str
    language: str
    description: str = ""


class TextToSpeech(Protocol):
    """An engine that speaks."""

    @property
    def name(self) -> str:
        """A stable name, such as ``piper``."""
        ...

    async def open(self) -> None:
        """Make ready, so that the next call answers at once; idempotent. ``ProviderError``."""
        ...

    def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        """Yield the speech of one clause or sentence, mono, in frames of at most 100 ms.

        The first frame comes as soon as the engine has it; leading silence is left out. Closing
        the generator stops the engine's work on it. Raises ``ProviderError``.
        """
        ...

    async def voices(self) -> Sequence[VoiceListing]:
        """List the voices there are. Raises ``ProviderError``."""
        ...

    async def close(self) -> None:
        """Give everything back; idempotent."""
        ...
