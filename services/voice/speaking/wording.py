"""What is to be said for a stretch of an answer."""

from __future__ import annotations

import re

from services.conversation.speech_text import to_speech
from services.voice.spoken_text import Lexicon, spoken

_ACTION = re.compile(r"(?<![\w*])\*(?=[^\s*])[^*\n]*(?:\*(?![\w*])|\n|\Z)")


class Wording:
    """Turns what is written into what an engine is given, for one voice."""

    def __init__(self, *, lexicon: Lexicon | None, language: str | None) -> None:
        self._lexicon = lexicon
        self._language = language

    def of(self, text: str, /, *, acting: bool = False) -> str:
        """Return what to say, empty if nothing; ``acting`` text begins within an action."""
        text = text.strip()
        if acting:
            text = f"*{text}"
        if _open(text):
            text = f"{text}*"
        return spoken(to_speech(text), lexicon=self._lexicon, language=self._language)


def goes_on_acting(text: str, /, *, acting: bool) -> bool:
    """Say whether an action between asterisks is still open after ``text``.

    An action ends with its line, closed or not.
    """
    return _open(f"*{text.lstrip()}" if acting else text)


def _open(text: str) -> bool:
    ends = [action.end() for action in _ACTION.finditer(text)]
    return bool(ends) and ends[-1] == len(text) and text[-1] not in "*\n"
