"""Sound as values: signed 16-bit little-endian PCM throughout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.domain.ids import ConversationId
from services.domain.people import Author

_BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFrame:
    """Interleaved samples at ``rate`` Hz; ``started_at`` is in seconds of its stream."""

    pcm: bytes
    rate: int
    channels: int
    started_at: float

    @property
    def seconds(self) -> float:
        """How long the frame lasts."""
        return len(self.pcm) / (_BYTES_PER_SAMPLE * self.channels * self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerFrame:
    """A frame and who spoke it."""

    speaker: Author
    frame: AudioFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioClip:
    """A whole mono recording at ``rate`` Hz."""

    pcm: bytes
    rate: int

    @property
    def seconds(self) -> float:
        """How long the clip lasts."""
        return len(self.pcm) / (_BYTES_PER_SAMPLE * self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How much of a reply was heard: samples, and sentences counted from the first."""

    samples: int
    sentences: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One person's finished stretch of speech, transcribed."""

    speaker: Author
    conversation: ConversationId
    text: str
    started_at: datetime
    ended_at: datetime
    audio: AudioClip | None = None
    language: str | None = None
    confidence: float | None = None
