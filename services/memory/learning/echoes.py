"""Telling a person's own words from what a character said before and the person repeats."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_SHINGLE = 4
_SHARED = 0.8
_WORD = re.compile(r"\w+(?:'\w+)?")


class Earlier:
    """What characters, bots and the system said shortly before; repeats of it prove nothing."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [f" {' '.join(_words(text))} " for text in texts]
        self._whole = {text.strip() for text in self._texts}
        self._shingles = {each for text in self._texts for each in _shingles(text.split())}

    def echoed(self, words: str) -> bool:
        """Tell whether ``words`` only repeat: word for word, or four of five runs of four words.

        Fewer than four words are a repeat only of a whole message.
        """
        spoken = _words(words)
        if len(spoken) < _SHINGLE:
            return bool(spoken) and " ".join(spoken) in self._whole
        if any(f" {' '.join(spoken)} " in text for text in self._texts):
            return True
        shingles = _shingles(spoken)
        return len(shingles & self._shingles) >= _SHARED * len(shingles)


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return _WORD.findall(folded)


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)}
