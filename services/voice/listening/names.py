"""The bot's names in what was understood, also where a recogniser misspells them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from services.voice.listening.wording import Phrase, words_of

_CLOSE = 0.8
_SHORTEST_FUZZY = 5
_SHORTEST_SOUNDED = 3
_SPELLINGS = (
    (re.compile(r"ph"), "f"),
    (re.compile(r"c(?=[eiy])|z"), "s"),
    (re.compile(r"ck|[cq]"), "k"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"ee|ea|ie|ei|(?<!^)y"), "i"),
    (re.compile(r"oo|ou"), "u"),
    (re.compile(r"(?<=[aeiou])h"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)


class SpokenNames:
    """Finds names in folded words.

    A name also counts when it is spelled as it sounds in English, as "Myra" and "Meera" are for
    "Mira", or, with five letters and more, one slip off and begun alike.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = tuple(dict.fromkeys(filter(None, map(words_of, names))))

    def within(self, spoken: Phrase, /) -> bool:
        """Say whether there is a name in what was said."""
        return any(self._length_at(spoken, start) for start in range(len(spoken)))

    def left_out(self, spoken: Phrase, /) -> Phrase:
        """Return what was said without the names in it."""
        kept: list[str] = []
        start = 0
        while start < len(spoken):
            length = self._length_at(spoken, start)
            if not length:
                kept.append(spoken[start])
            start += length or 1
        return tuple(kept)

    def _length_at(self, spoken: Phrase, start: int) -> int:
        """Return how many words the longest name has that is said there."""
        fitting = (
            len(name) for name in self._names if _alike(spoken[start : start + len(name)], name)
        )
        return max(fitting, default=0)


def _alike(spoken: Phrase, name: Phrase) -> bool:
    heard, wanted = " ".join(spoken).removesuffix("'s"), " ".join(name)
    if len(spoken) != len(name) or heard[:1] == "":
        return False
    if heard == wanted:
        return True
    if len(wanted) >= _SHORTEST_SOUNDED and _sounded(heard) == _sounded(wanted):
        return True
    begun_alike = len(wanted) >= _SHORTEST_FUZZY and heard[0] == wanted[0]
    return begun_alike and _close(heard, wanted)


def _close(heard: str, wanted: str) -> bool:
    return SequenceMatcher(None, heard, wanted, autojunk=False).ratio() >= _CLOSE


@lru_cache(maxsize=1024)
def _sounded(word: str) -> str:
    """Return one spelling for all that are usually spoken alike."""
    plain = unicodedata.normalize("NFKD", word)
    sounded = "".join(letter for letter in plain if not unicodedata.combining(letter))
    for spelling, letters in _SPELLINGS:
        sounded = spelling.sub(letters, sounded)
    return sounded
