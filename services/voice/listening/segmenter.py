"""Where one speaker's speech begins, pauses, goes on and may have ended, told by the clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.voice.listening.samples import (
    BYTES_PER_SECOND,
    SAMPLE_RATE,
    WINDOW_BYTES,
    WINDOW_SECONDS,
    Samples,
    duration,
    to_samples,
)
from services.voice.listening.segment_events import (
    Capped,
    EndCandidate,
    Onset,
    Pause,
    Resume,
    SegmentEvent,
)
from services.voice.listening.vad import SpeechProbability

_LONGEST_FRAME = 1.0
_LONGEST_FILL = 5.0
_MOST_AHEAD = 2.0
_FORGET_AFTER = 1.0
_TAIL = 0.2
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmenterLimits:
    """When speech counts, in seconds and probabilities.

    ``onset`` of speech starts an utterance and resumes it; ``pause`` of silence is a pause,
    ``candidate`` a likely end, told every ``candidate_again`` until ``last_candidate``.
    ``grace`` is how late a packet may be before the clock feeds silence. The first bar is that of
    starting, the second that of going on, the third that of starting while the bot is heard.
    """

    onset: float = 2 * WINDOW_SECONDS
    pause: float = 2 * WINDOW_SECONDS
    candidate: float = 6 * WINDOW_SECONDS
    candidate_again: float = 3 * WINDOW_SECONDS
    last_candidate: float = 0.6
    preroll: float = 0.3
    longest: float = 30.0
    grace: float = 0.06
    start_bar: float = 0.5
    keep_bar: float = 0.35
    raised_bar: float = 0.7


class Segmenter:
    """Follows one speaker, driven by arriving PCM and by the clock.

    PCM is 16-bit mono at 16 kHz. Packets stop when a speaker does, so ``tick`` feeds the silence
    that nobody sends; digital silence never reaches the detector. After an ``Onset`` come ``Pause``
    and ``Resume`` in turns until ``end``, a few times ``EndCandidate`` in a pause, at most one
    ``Capped``. Memory is bounded by ``longest``.
    """

    def __init__(
        self, probability: SpeechProbability, *, limits: SegmenterLimits | None = None
    ) -> None:
        self._probability = probability
        self._limits = limits or SegmenterLimits()
        self._audio = bytearray()
        self._partial = bytearray()
        self._position: float | None = None
        self._arrived = -math.inf
        self.raised = False
        self.dropped = 0
        self._active = self._paused = self._capped = False
        self._run = self._split = 0
        self._voiced = self._silence = self._ask_at = 0.0

    @property
    def active(self) -> bool:
        """Whether an utterance has begun and not ended."""
        return self._active

    @property
    def paused(self) -> bool:
        """Whether the utterance is in a pause."""
        return self._active and self._paused

    @property
    def stirring(self) -> bool:
        """Whether the last window of a pause may be the speaker going on."""
        return self.paused and self._run > 0

    @property
    def silence(self) -> float:
        """Seconds since speech was last heard in the utterance."""
        return self._silence

    @property
    def voiced(self) -> float:
        """Seconds of speech in the part not yet split off, pauses left out."""
        return self._voiced

    @property
    def length(self) -> float:
        """Seconds of sound in the part not yet split off."""
        return (len(self._audio) - self._split) / BYTES_PER_SECOND

    def push(self, pcm: bytes, /, *, at: float) -> Sequence[SegmentEvent]:
        """Take a frame that arrived at ``at``; one that makes no sense is counted and dropped."""
        if not self._sound(pcm, at=at):
            self.dropped += 1
            return ()
        events = self._close_gap(at - duration(pcm))
        self._arrived = at
        events.extend(self._feed(pcm))
        return events

    def tick(self, now: float) -> Sequence[SegmentEvent]:
        """Let the clock pass: silence is fed when an utterance's packets have stopped."""
        if not self._active or self._position is None:
            return ()
        if now - self._arrived <= self._limits.grace or now <= self._position:
            return ()
        return self._feed(_silence(now - self._position))

    def split(self, pause: float) -> None:
        """Cut off what was said before the pause of that length that just ended."""
        lead = min(self._limits.preroll, pause) + self._limits.onset
        self._split = max(self._split, len(self._audio) - _even_bytes(lead))
        self._voiced = self._limits.onset

    def end(self) -> None:
        """Let the utterance be over; what comes next is a new one."""
        self._rest()

    def clip(self) -> bytes:
        """Return the part not yet split off, with at most 0.2 s of the silence after it."""
        surplus = max(0.0, self._silence - _TAIL)
        return bytes(self._audio[self._split : len(self._audio) - _even_bytes(surplus)])

    def recent(self, seconds: float) -> Samples:
        """Return the last seconds of the utterance, silence included."""
        return to_samples(self._audio[-_even_bytes(seconds) :])

    def _sound(self, pcm: bytes, *, at: float) -> bool:
        if not pcm or len(pcm) % 2 or duration(pcm) > _LONGEST_FRAME or not math.isfinite(at):
            return False
        if at < self._arrived:
            return False
        return self._position is None or self._position - at <= _MOST_AHEAD

    def _close_gap(self, start: float) -> list[SegmentEvent]:
        gap = math.inf if self._position is None else start - self._position
        if self._active:
            return list(self._feed(_silence(gap))) if gap > self._limits.grace else []
        if gap > self._limits.grace:
            self._position = start
            self._partial.clear()
            self._run = 0
        if gap > self._limits.preroll:
            self._audio.clear()
        if gap > _FORGET_AFTER:
            self._probability.reset()
        return []

    def _feed(self, pcm: bytes) -> list[SegmentEvent]:
        end = (self._position or 0.0) + duration(pcm)
        self._position = end
        self._partial += pcm
        events: list[SegmentEvent] = []
        while len(self._partial) >= WINDOW_BYTES:
            window = bytes(self._partial[:WINDOW_BYTES])
            del self._partial[:WINDOW_BYTES]
            events.extend(self._judge(window, at=end - duration(self._partial)))
        return events

    def _judge(self, window: bytes, *, at: float) -> list[SegmentEvent]:
        if self._capped:
            return []
        self._audio += window
        speech = self._probable(window) >= self._bar()
        self._run = self._run + 1 if speech else 0
        if not self._active:
            return self._in_rest(at)
        events = self._in_pause(at) if self._paused else self._in_speech(at)
        if len(self._audio) >= _even_bytes(self._limits.longest):
            self._capped = True
            events.append(Capped(at=at, since=at - self._silence))
        return events

    def _probable(self, window: bytes) -> float:
        if window.count(0) == len(window):
            return 0.0
        return self._probability(to_samples(window))

    def _bar(self) -> float:
        if self._active and not self._paused:
            return self._limits.keep_bar
        return self._limits.raised_bar if self.raised else self._limits.start_bar

    def _in_rest(self, at: float) -> list[SegmentEvent]:
        speech = self._run * WINDOW_SECONDS
        if speech + _ROUNDING < self._limits.onset:
            del self._audio[: -_even_bytes(self._limits.preroll + self._limits.onset)]
            return []
        self._active = True
        self._voiced = speech
        return [Onset(at=at, since=at - speech)]

    def _in_speech(self, at: float) -> list[SegmentEvent]:
        if self._run:
            self._silence = 0.0
            self._voiced += WINDOW_SECONDS
            return []
        self._silence += WINDOW_SECONDS
        if self._silence + _ROUNDING < self._limits.pause:
            return []
        self._paused = True
        self._ask_at = self._limits.candidate
        return [Pause(at=at, since=at - self._silence)]

    def _in_pause(self, at: float) -> list[SegmentEvent]:
        self._silence += WINDOW_SECONDS
        speech = self._run * WINDOW_SECONDS
        if speech + _ROUNDING >= self._limits.onset:
            pause = self._silence - speech
            self._voiced += speech
            self._silence = 0.0
            self._paused = False
            return [Resume(at=at, since=at - speech, pause=pause)]
        if (
            self._run
            or not self._ask_at <= self._silence + _ROUNDING <= self._limits.last_candidate
        ):
            return []
        self._ask_at = self._silence + self._limits.candidate_again
        return [EndCandidate(at=at, since=at - self._silence)]

    def _rest(self) -> None:
        self._audio.clear()
        self._active = self._paused = self._capped = False
        self._run = self._split = 0
        self._voiced = self._silence = self._ask_at = 0.0


def _even_bytes(seconds: float) -> int:
    return 2 * round(seconds * SAMPLE_RATE)


def _silence(seconds: float) -> bytes:
    return bytes(2 * int(min(seconds, _LONGEST_FILL) * SAMPLE_RATE))
