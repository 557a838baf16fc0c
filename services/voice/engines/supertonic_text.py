"""Text as Supertonic's networks take it: characters by number, in tags that name the language."""

# ruff: noqa: RUF001 - punctuation of every script

from __future__ import annotations

import re
from collections.abc import Sequence
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from services.voice.engines.supertonic_files import SupertonicConfig

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("–‑—", "-"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("‘’‚´`", "'"),
        **dict.fromkeys("_[]|/#→←¯", " "),
    }
)
_GAP_BEFORE = re.compile(r" +(?=[,.!?;:'])")
_ENDED = re.compile(r"[.!?;:,'\")\]}…。」』】〉》›»]$")


class SupertonicText:
    """Numbers the characters of sentences; what the networks do not know is left out."""

    def __init__(self, indexer: Sequence[int], config: SupertonicConfig) -> None:
        self._indexer = indexer
        self._languages = config.languages
        self._fallback = config.fallback

    def numbers(self, sentence: str, language: str | None) -> NDArray[np.int64]:
        """Return the numbers of a sentence's characters, none when there is nothing to say.

        ``language`` is a BCP 47 tag; without one it is taken for English.
        """
        words = _spaced(self._known(_plain(sentence)))
        if not any(sign.isalnum() for sign in words):
            return np.zeros(0, np.int64)
        ended = words if _ENDED.search(words) else f"{words}."
        if self._languages:
            tag = self._tag(language)
            ended = f"<{tag}>{ended}</{tag}>"
        return np.array([self._indexer[ord(sign)] for sign in self._known(ended)], np.int64)

    def _tag(self, language: str | None) -> str:
        code = (language or "en").split("-")[0].casefold()
        return code if code in self._languages else self._fallback

    def _known(self, text: str) -> str:
        indexer, most = self._indexer, len(self._indexer)
        return "".join(sign for sign in text if ord(sign) < most and indexer[ord(sign)] >= 0)


def _plain(text: str) -> str:
    """Decompose letters, as in the data the networks learned from, and level punctuation."""
    return normalize("NFKD", text).translate(_PLAIN)


def _spaced(text: str) -> str:
    return _GAP_BEFORE.sub("", " ".join(text.split()))
