"""What people say while the bot speaks: hard words, back-channels, or something to answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from services.voice.listening.names import SpokenNames
from services.voice.listening.wording import Phrase, phrases, primary, read_lists, words_of

_FOLDER = Path(__file__).parent / "words"
_LONGEST_PHRASE = 4
_MOST_BACK_CHANNEL_WORDS = 6
_SPELLED = re.compile(r"\b(?:[^\W\d_][.\-]){2,}")
_DRAWN_OUT = re.compile(r"(.)\1+")
_LAUGHTER = re.compile(r"b?w?a?(?:h[aeiou]+){2,}h?|(?:x+d+)")


NOBODY = SpokenNames()


class Remark(StrEnum):
    """How a remark bears on the bot's speech; ``NONE`` has no words."""

    NONE = "none"
    BACK_CHANNEL = "back_channel"
    HARD = "hard"
    WORDS = "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemarkWords:
    """One language's lists of folded phrases."""

    back_channels: frozenset[Phrase]
    hard_words: frozenset[Phrase]
    hard_openings: frozenset[Phrase]
    softeners: frozenset[Phrase]


def remark(text: str, /, *, language: str | None, names: SpokenNames = NOBODY) -> Remark:
    """Judge what was said, the bot's names left out, also misspelled ones.

    Hard words are a whole remark of them, or one at its beginning: "stop, that is wrong" but not
    "the bus stop". A back-channel is made of nothing but back-channels, six words at most. A name
    alone is words. Languages without lists of their own go by English ones.
    """
    lists = _words(primary(language, folder=_FOLDER))
    spoken = words_of(_SPELLED.sub(_in_one_word, text))
    if not spoken:
        return Remark.NONE
    bare = names.left_out(spoken)
    if _is_hard(spoken, lists) or _is_hard(bare, lists):
        return Remark.HARD
    if not bare:
        return Remark.WORDS
    if len(bare) <= _MOST_BACK_CHANNEL_WORDS and _made_of(bare, lists.back_channels):
        return Remark.BACK_CHANNEL
    return Remark.WORDS


def _is_hard(spoken: Phrase, lists: RemarkWords) -> bool:
    firm = tuple(word for word in spoken if (word,) not in lists.softeners)
    return firm in lists.hard_words or _begins(firm, lists.hard_openings)


def _begins(spoken: Phrase, openings: frozenset[Phrase]) -> bool:
    return any(spoken[:count] in openings for count in range(1, _LONGEST_PHRASE + 1))


def _made_of(spoken: Phrase, parts: frozenset[Phrase]) -> bool:
    """Say whether the words can be divided into the phrases."""
    reachable = [True] + [False] * len(spoken)
    for end in range(1, len(spoken) + 1):
        for start in range(max(0, end - _LONGEST_PHRASE), end):
            part = spoken[start:end]
            if reachable[start] and (part in parts or _drawn_in(part) in parts or _laughs(part)):
                reachable[end] = True
    return reachable[-1]


def _in_one_word(spelled: re.Match[str]) -> str:
    """Return "M.H.M.", as recognisers write a hum, as a word."""
    return "".join(letter for letter in spelled.group() if letter.isalpha())


def _drawn_in(part: Phrase) -> Phrase:
    """Return "ummm" as "um"."""
    return tuple(_DRAWN_OUT.sub(r"\1", word) for word in part)


def _laughs(part: Phrase) -> bool:
    return len(part) == 1 and _LAUGHTER.fullmatch(part[0]) is not None


@cache
def _words(language: str) -> RemarkWords:
    lists = read_lists(_FOLDER / f"{language}.toml")
    return RemarkWords(**{name: phrases(lines) for name, lines in lists.items()})
