"""Guards for decoding Whisper in a window shorter than the 30 s it was trained on.

The short window is several times faster, but the model then goes on after the end of the speech:
it says its sentence again, from the beginning. Timestamps, a cut of what repeats the beginning, and
a window of at least 5 s keep that out; what still looks wrong is decoded again in full.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

FRAMES_PER_SECOND = 100
FULL_WINDOW = 3000
_TINY_CLIP_SECONDS = 1.2
_TINY_WINDOW_SECONDS = 10.0
_SHORTEST_WINDOW_SECONDS = 5.0
_ROOM_SECONDS = 0.5
_LONGEST_SHORT_SECONDS = 25.0
_LEAST_LOGPROB = -1.0
_MOST_COMPRESSION = 2.4
_SILENT = 0.6
_NEARLY_SILENT = 0.85
_LATE_SECONDS = 0.2
_WORD = re.compile(r"\S+")
_LETTERS = re.compile(r"[^\w']+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What one pass understood; probabilities as Whisper gives them."""

    text: str
    language: str | None
    logprob: float
    no_speech: float


def window_frames(seconds: float) -> int | None:
    """Return the mel frames to decode a clip in; ``None`` when only the full window is safe.

    Single words need more room than sentences: in 5 s they are often taken for something else.
    """
    if seconds + _ROOM_SECONDS > _LONGEST_SHORT_SECONDS:
        return None
    least = _TINY_WINDOW_SECONDS if seconds < _TINY_CLIP_SECONDS else _SHORTEST_WINDOW_SECONDS
    return round(max(least, seconds + _ROOM_SECONDS) * FRAMES_PER_SECOND)


def doubtful(decoded: Decoded) -> bool:
    """Say whether a pass through a short window should be made again in full."""
    worded = any(letter.isalnum() for letter in decoded.text)
    unlikely = decoded.logprob < _LEAST_LOGPROB or decoded.no_speech > _NEARLY_SILENT
    return unlikely or not worded or compression(decoded.text) > _MOST_COMPRESSION


def silent(decoded: Decoded) -> bool:
    """Say whether nothing was said, by the thresholds of Whisper's own decoder."""
    return decoded.no_speech > _SILENT and decoded.logprob < _LEAST_LOGPROB


def compression(text: str) -> float:
    """Return how well a text compresses; loops compress more than twice."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def spoken_segments(segments: list[tuple[float, str]], *, seconds: float) -> str:
    """Join the segments (start in seconds, text) that begin before the clip ends."""
    heard = [text for start, text in segments if start < max(seconds - _LATE_SECONDS, 0.1)]
    return " ".join(" ".join(heard).split())


def without_repeats(text: str) -> str:
    """Cut a text where it begins again, as in ``how are you? how are``.

    A single word may be said twice; longer beginnings are not, as a rule.
    """
    matches = list(_WORD.finditer(text))
    words = [_LETTERS.sub("", match.group()).casefold() for match in matches]
    count = len(words)
    for length in range(2, count - 1):
        again = words[length:]
        whole = all(word == words[place % length] for place, word in enumerate(again))
        if whole and (len(again) >= length or length >= 3):
            return text[: matches[length - 1].end()]
    return text
