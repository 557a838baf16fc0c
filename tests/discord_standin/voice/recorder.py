"""What somebody in a call hears of somebody else, packet by packet."""

from __future__ import annotations

import itertools
import wave
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.discord_standin.voice.opus import CHANNELS, RATE, Decoder
from tests.discord_standin.voice.rtp import SILENCE, Packet

_MOST: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One packet of ``speaker``; ``opus`` is None where the listener could not decrypt it.

    ``at_us`` is when it reached the voice server, in microseconds of ``time.monotonic``, as the
    kernel stamped it; ``encrypted`` whether it was encrypted end to end.
    """

    speaker: int
    at_us: int
    sequence: int
    timestamp: int
    nonce: int
    opus: bytes | None
    encrypted: bool

    @property
    def silent(self) -> bool:
        """Whether it is the frame of silence."""
        return self.opus == SILENCE


class Recorder:
    """Keeps what was heard, oldest first; the oldest of very many fall out."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.heard: deque[Heard] = deque(maxlen=_MOST)
        self._changed = changed

    def keep(self, speaker: int, packet: Packet, opus: bytes | None) -> None:
        """Record a packet with what its listener made of it."""
        self.heard.append(
            Heard(
                speaker=speaker,
                at_us=packet.at_us,
                sequence=packet.header.sequence,
                timestamp=packet.header.timestamp,
                nonce=packet.nonce,
                opus=opus,
                encrypted=opus != packet.frame,
            )
        )
        self._changed()

    def of(self, speaker: int) -> list[Heard]:
        """Return what one speaker sent, in the order of arrival."""
        return [each for each in self.heard if each.speaker == speaker]

    def frames_of(self, speaker: int) -> list[bytes]:
        """Return the readable frames of one speaker, silence left out."""
        return [each.opus for each in self.of(speaker) if each.opus and not each.silent]

    def gaps_us(self, speaker: int) -> Iterator[int]:
        """Yield the time between one packet and the next."""
        times = [each.at_us for each in self.of(speaker)]
        yield from (later - earlier for earlier, later in itertools.pairwise(times))

    def pcm_of(self, speaker: int) -> bytes:
        """Return one speaker's sound, 48 kHz, stereo, 16 bits, as if no packet had been lost."""
        decoder = Decoder()
        return b"".join(decoder.decode(each.opus) for each in self.of(speaker) if each.opus)

    def write_wav(self, speaker: int, path: Path) -> None:
        """Write one speaker's sound to a file."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(CHANNELS)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(self.pcm_of(speaker))
