"""Speech over music, a block of 20 ms at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

import numpy as np

from services.domain.clock import Clock
from services.voice.audio_io import BLOCK_CHANNELS
from services.voice.mixing.bed_track import BedTrack
from services.voice.mixing.limiter import Limiter
from services.voice.mixing.mixer_events import MixerEvent
from services.voice.mixing.ramps import BLOCK
from services.voice.mixing.speech_track import SpeechTrack
from services.voice.pcm import Samples, to_pcm

logger = logging.getLogger(__name__)

MOST_BEDS = 8


class Mixer:
    """Everything a call's listeners hear of the bot; its ``read`` is a ``BlockSource``.

    One thread reads while another writes to the tracks. ``tell`` is called by the thread that
    reads, in the order in which things sound; it must be quick, and may ask the tracks anything.
    """

    def __init__(self, *, clock: Clock, tell: Callable[[MixerEvent], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._beds: tuple[BedTrack, ...] = ()
        self._limiter = Limiter()
        self.speech = SpeechTrack(self._lock)

    def bed(self) -> BedTrack:
        """Return a new track for music or an effect, to be closed by the caller.

        ``ValueError`` when there are eight.
        """
        with self._lock:
            if len(self._beds) >= MOST_BEDS:
                raise ValueError(f"more than {MOST_BEDS} beds")  # noqa: TRY003
            bed = BedTrack(self._lock)
            self._beds = (*self._beds, bed)
        return bed

    def read(self) -> bytes | None:
        """Return the next 20 ms, or ``None`` where nothing sounds; what is returned is heard."""
        events: list[MixerEvent] = []
        with self._lock:
            speech = self.speech.read(at=self._clock.monotonic(), events=events)
            blocks = [bed.read(ducked=speech is not None) for bed in self._beds]
            self._beds = tuple(bed for bed in self._beds if not bed.gone)
        sound = self._sum(speech, [block for block in blocks if block is not None])
        for event in events:
            self._told(event)
        return sound

    def _sum(self, speech: Samples | None, music: Sequence[Samples]) -> bytes | None:
        if speech is None and not music:
            self._limiter.rest()
            return None
        total = np.zeros((BLOCK, BLOCK_CHANNELS), np.float32)
        for part in music:
            total += part
        if speech is not None:
            total += speech
        self._limiter.apply(total)
        return to_pcm(total)

    def _told(self, event: MixerEvent) -> None:
        try:
            self._tell(event)
        except Exception:  # whoever listens must not stop the sound
            logger.exception("what the mixer told was not taken")
