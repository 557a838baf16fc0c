"""Hears the bot's own words coming back through somebody's microphone, by text."""

from __future__ import annotations

from collections import deque
from difflib import SequenceMatcher

from services.voice.listening.wording import Phrase, words_of

ECHO_SECONDS = 10.0
SIMILAR = 0.8

_SHORTEST = 3
_MOST_REMEMBERED = 64
_MOST_WORDS = 120


class EchoMemory:
    """What the bot said in the last 10 s.

    A transcript is an echo when it has at least three words and its letters match a stretch of
    what was said with a ratio of at least 0.8 (``difflib``'s); shorter ones are never, since
    "stop" must always get through.
    """

    def __init__(self) -> None:
        self._said: deque[tuple[float, Phrase]] = deque(maxlen=_MOST_REMEMBERED)

    def said(self, text: str, /, *, at: float) -> None:
        """Note a clause whose sound ends, or will end, at ``at``."""
        words = words_of(text)
        if words:
            self._said.append((at, words))

    def is_echo(self, text: str, /, *, since: float) -> bool:
        """Say whether a transcript of speech that began at ``since`` is the bot's own voice."""
        heard = words_of(text)
        if len(heard) < _SHORTEST:
            return False
        recent = [word for at, words in self._said if at >= since - ECHO_SECONDS for word in words]
        return _resembles(heard[:_MOST_WORDS], recent[-_MOST_WORDS:])


def _resembles(heard: Phrase, said: list[str]) -> bool:
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(" ".join(heard))
    for start in range(max(1, len(said) - len(heard) + 1)):
        matcher.set_seq1(" ".join(said[start : start + len(heard)]))
        if matcher.real_quick_ratio() < SIMILAR or matcher.quick_ratio() < SIMILAR:
            continue
        if matcher.ratio() >= SIMILAR:
            return True
    return False
