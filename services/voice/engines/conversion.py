"""One voice becomes another: what every converter promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.domain.audio import AudioClip


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionTarget:
    """Whose voice it becomes: a model's name, semitones to move by, a speaker of the model."""

    model: str
    pitch: float = 0.0
    speaker: int = 0


class VoiceConverter(Protocol):
    """An engine that converts."""

    @property
    def name(self) -> str:
        """A stable name, such as ``rvc``."""
        ...

    async def open(self) -> None:
        """Make ready; idempotent. Raises ``ProviderError``."""
        ...

    async def convert(self, clip: AudioClip, /, *, target: ConversionTarget) -> AudioClip:
        """Return the same words as long in the other voice, at the converter's own rate.

        Cancelled, it stops or lets the result go. Raises ``ProviderError``.
        """
        ...

    async def models(self) -> Sequence[str]:
        """List the voices there are. Raises ``ProviderError``."""
        ...

    async def close(self) -> None:
        """Give everything back; idempotent."""
        ...
