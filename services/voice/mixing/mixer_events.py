"""What the mixer tells; ``at`` is its clock's time when the block was read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseStarted:
    """The first sample of a clause goes out; told once, not again when it is repeated."""

    clause: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseFinished:
    """A clause was heard whole; one that has no sound starts and finishes in the same block."""

    clause: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechBegan:
    """Speech sounds in this block and did not in the one before, or it is a new answer's first."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDried:
    """Speech ran out in this block: all was said, or a clause waits for more of its sound.

    Not told where speech fell silent because of ``hold``, ``clear`` or ``reset``.
    """

    at: float


MixerEvent = ClauseStarted | ClauseFinished | SpeechBegan | SpeechDried
