"""What captions and the listener's echo memory are told of a clause."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenClause:
    """A clause that begins to sound, the ``index``-th of its answer from 1.

    ``text`` is a stretch of the answer as written, the whitespace after it included, up to
    character ``end`` of it; ``speech_text`` is what the engine was given.
    """

    index: int
    text: str
    speech_text: str
    end: int
