"""Personas' names in a message: whole words, in any case and script."""

# ruff: noqa: SIM905 - a list this long reads best as text

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.domain.ids import PersonaId
from services.persona.character import Persona

_SHORTEST_FULL_NAME = 2
_SHORTEST_FIRST_NAME = 3
_OCCURRENCES = 64  # looked at per name, so that a flood of near misses stays cheap
_ADDRESS = re.compile(r"https?://\S+|(?<!\S)[^\s@]{1,64}@[^\s@]{1,255}\.[^\W\d_]+")
# A first word that calls nobody: "The Narrator" must not wake on every "the".
_NOT_FIRST_NAMES = frozenset(
    "the an mr mrs ms miss mister dr doctor prof professor sir dame lady lord captain capt "
    "commander general major sergeant agent king queen prince princess master father mother "
    "brother sister uncle aunt saint old little big her his our your all "
    "der die das ein eine les los las una".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """One place where a message says a name; several personas when they share a first name."""

    personas: tuple[PersonaId, ...]
    start: int
    full: bool


class NameIndex:
    """The names of the personas in one place, prepared for searching.

    A full name or alias needs two characters, a first name three. A longer name wins over a
    shorter one on the same words, a full name over a first name. Letters of scripts written
    without spaces end a Latin word; Han and Hiragana names are found inside longer runs.
    """

    def __init__(self, names: Sequence[tuple[PersonaId, tuple[str, ...]]]) -> None:
        full: dict[str, list[PersonaId]] = {}
        first: dict[str, list[PersonaId]] = {}
        for persona, known in names:
            for name in known:
                full.setdefault(_folded(name.strip()), []).append(persona)
                first.setdefault(_first_name(name), []).append(persona)
        words = {
            **_owned(first, full=False, shortest=_SHORTEST_FIRST_NAME),
            **_owned(full, full=True, shortest=_SHORTEST_FULL_NAME),
        }
        self._words = sorted(words.items(), key=lambda item: -len(item[0]))

    @staticmethod
    def of(present: Sequence[Persona]) -> NameIndex:
        """Return the index for these personas; repeated sets of names share one."""
        return _index(tuple((persona.id, persona.names) for persona in present))

    def find(self, text: str) -> tuple[Naming, ...]:
        """Return every naming in ``text``, in order; web and mail addresses are skipped."""
        addressed = "://" in text or "@" in text
        folded = _folded(_ADDRESS.sub(" ", text) if addressed else text)
        taken: list[tuple[int, int]] = []
        found: list[Naming] = []
        for word, (personas, full) in self._words:
            for start in _whole_words(folded, word):
                end = start + len(word)
                if all(end <= begun or start >= ended for begun, ended in taken):
                    taken.append((start, end))
                    found.append(Naming(personas=personas, start=start, full=full))
        return tuple(sorted(found, key=lambda naming: naming.start))


@lru_cache(maxsize=256)
def _index(names: tuple[tuple[PersonaId, tuple[str, ...]], ...]) -> NameIndex:
    return NameIndex(names)


def _owned(
    owners: Mapping[str, Sequence[PersonaId]], *, full: bool, shortest: int
) -> dict[str, tuple[tuple[PersonaId, ...], bool]]:
    return {
        word: (tuple(dict.fromkeys(personas)), full)
        for word, personas in owners.items()
        if len(word) >= shortest
    }


def _first_name(name: str) -> str:
    first, *rest = name.split() or [""]
    word = _folded(first).strip(".,;:!?'\"()[]")
    return word if rest and word not in _NOT_FIRST_NAMES else ""


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return unicodedata.normalize("NFKC", composed)


def _whole_words(text: str, word: str) -> Iterator[int]:
    start = text.find(word)
    for _ in range(_OCCURRENCES):
        if start < 0:
            return
        end = start + len(word)
        before = start == 0 or _apart(word[0], text[start - 1])
        if before and (end == len(text) or _apart(word[-1], text[end])):
            yield start
        start = text.find(word, start + 1)


def _apart(edge: str, neighbour: str) -> bool:
    """Tell whether ``neighbour`` lies outside the word whose outermost letter is ``edge``."""
    mark = unicodedata.category(neighbour).startswith("M")
    if not (mark or neighbour.isalnum() or neighbour == "_"):
        return True
    own = _script(edge)
    if own == "unspaced":
        return True
    return own != _script(neighbour)


def _script(letter: str) -> str:
    if "\u30a0" <= letter <= "\u30ff":
        return "katakana"
    if "\u3040" <= letter <= "\u309f" or "\u3400" <= letter <= "\u9fff":
        return "unspaced"
    return "spaced"
