"""The words of each language that tell something about speech, read from ``words/*.toml``."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "words"
_DEFAULT = "en"
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u0060\u00b4", "'"))

CLOSING = " \"'*)\u201d\u2019\u00bb"
"""What may follow the mark that ends a sentence."""

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language's lists, explained in its file; each phrase is a tuple of folded words."""

    dangling: frozenset[Phrase]
    unfinished: frozenset[Phrase]
    stranded: frozenset[Phrase]
    awaiting: frozenset[Phrase]
    openers: frozenset[Phrase]
    asking: frozenset[Phrase]
    finished: frozenset[Phrase]
    fillers: frozenset[Phrase]
    short_answers: frozenset[Phrase]
    phantoms: frozenset[Phrase]
    doubtful: frozenset[Phrase]


def words_of(text: str, /) -> Phrase:
    """Return the words of a text, folded, without punctuation; apostrophes stay inside words."""
    folded = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()
    return tuple(_WORD.findall(folded))


def phrases(lines: Sequence[str], /) -> frozenset[Phrase]:
    """Return phrases as tuples of words, ready to be compared."""
    return frozenset(words_of(line) for line in lines)


def wording(language: str | None, /) -> Wording:
    """Return the lists of a BCP 47 language; English where there are none."""
    return _read(primary(language))


def primary(language: str | None, /, *, folder: Path = _FOLDER) -> str:
    """Return the language's first subtag when ``folder`` has its file, else ``en``."""
    tag = (language or _DEFAULT).casefold().replace("_", "-").split("-")[0]
    return tag if tag in _known(folder) else _DEFAULT


@cache
def _known(folder: Path) -> frozenset[str]:
    return frozenset(path.stem for path in folder.glob("*.toml"))


@cache
def _read(language: str) -> Wording:
    lists = read_lists(_FOLDER / f"{language}.toml")
    return Wording(**{name: phrases(lines) for name, lines in lists.items()})


def read_lists(path: Path, /) -> Mapping[str, Sequence[str]]:
    """Return the lists of a words file by name."""
    return tomllib.loads(path.read_text(encoding="utf-8"))
