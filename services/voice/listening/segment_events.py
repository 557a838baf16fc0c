"""What a segmenter tells of one speaker; times are on the clock of arrivals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """Speech began at ``since``."""

    at: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Speech stopped at ``since``, perhaps to go on."""

    at: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCandidate:
    """Silent since ``since``, long enough to ask whether the turn is over."""

    at: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Speech went on at ``since``, after ``pause`` seconds."""

    at: float
    since: float
    pause: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Capped:
    """The utterance is as long as it may be; nothing is kept until ``end``."""

    at: float
    since: float


SegmentEvent = Onset | Pause | EndCandidate | Resume | Capped
