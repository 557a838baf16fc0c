"""Personas' names in a message: whole words, in any case and script."""

# ruff: noqa: SIM905 - a list this long reads best as text

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.domain.ids import PersonaId
from services.persona.character import Persona

_SHORTEST_FULL_NAME = 2
_SHORTEST_FIRST_NAME = 3
_OCCURRENCES = 64  # looked at per name, so that a flood of near misses stays cheap
_ADDRESS = re.compile(r"https?://\S+|(?<!\S)[^\s@]{1,64}@[^\s@]{1,255}\.[^\W\d_]+")
# Words people say all day; as names they call somebody only where they are written like a name.
_EVERYDAY = frozenset(
    "will may can might art bill chance chase dawn faith game grace grant hope hunter joy june "
    "april august autumn summer winter mark max miles rain rich rose rusty sage shadow sky star "
    "storm sunny trip angel blue clay cliff fox ghost happy honey justice lucky major mercy misty "
    "patience so do is it in on at to of or as be by he me my no up us we you she they any are but "
    "for had has how man new not now out own see too two use was way who why yes yet bot chat "
    "computer day doc game help home love master moon music news night nurse teacher "
    "time today tomorrow word".split()
)
_GREETING = r"hey|hi|hello|hiya|yo|ok|okay|oh|thanks|thank\s+you|dear|good\s+\w+"
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
    without spaces end a Latin word; Han and Hiragana names are found inside longer runs. A name
    that is an everyday word ("Will", "Hope") counts where it is written or set off like a name.
    ``every_word`` lets each word of a name call, not the first one only.
    """

    def __init__(
        self, names: Sequence[tuple[PersonaId, tuple[str, ...]]], *, every_word: bool = False
    ) -> None:
        full: dict[str, list[PersonaId]] = {}
        first: dict[str, list[PersonaId]] = {}
        for persona, known in names:
            for name in known:
                full.setdefault(_folded(name.strip()), []).append(persona)
                for word in _words_of(name) if every_word else [_first_name(name)]:
                    first.setdefault(word, []).append(persona)
        words = {
            **_owned(first, full=False, shortest=_SHORTEST_FIRST_NAME),
            **_owned(full, full=True, shortest=_SHORTEST_FULL_NAME),
        }
        self._words = sorted(words.items(), key=lambda item: -len(item[0]))

    @staticmethod
    def of(present: Sequence[Persona], *, every_word: bool = False) -> NameIndex:
        """Return the index for these personas; repeated sets of names share one."""
        key = tuple(
            (one.id, one.version, one.character.name, one.character.nickname, one.aliases)
            for one in present
        )
        index = _INDEXES.get((key, every_word))
        if index is None:
            names = [(persona.id, persona.names) for persona in present]
            index = NameIndex(names, every_word=every_word)
            _INDEXES[key, every_word] = index
            if len(_INDEXES) > _MOST_INDEXES:
                del _INDEXES[next(iter(_INDEXES))]
        return index

    def find(self, text: str) -> tuple[Naming, ...]:
        """Return every naming in ``text``, in order; web and mail addresses are skipped."""
        addressed = "://" in text or "@" in text
        text = _ADDRESS.sub(" ", text) if addressed else text
        folded = _folded(text)
        taken: list[tuple[int, int]] = []
        found: list[Naming] = []
        for word, (personas, full) in self._words:
            if word not in folded:
                continue
            if word in _EVERYDAY and not _like_a_name(word, text):
                continue
            for start in _whole_words(folded, word):
                end = start + len(word)
                if all(end <= begun or start >= ended for begun, ended in taken):
                    taken.append((start, end))
                    found.append(Naming(personas=personas, start=start, full=full))
        return tuple(sorted(found, key=lambda naming: naming.start))


_MOST_INDEXES = 256
_INDEXES: dict[tuple[Hashable, bool], NameIndex] = {}


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


def _words_of(name: str) -> list[str]:
    words = [_folded(word).strip(".,;:!?'\"()[]") for word in name.split()]
    return [word for word in words if word not in _NOT_FIRST_NAMES] if len(words) > 1 else []


@lru_cache(maxsize=256)
def _set_off(word: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<inside>[\w,;]\s+)(?P<word>{re.escape(word)})(?:'s)?(?!\w)"
        rf"|(?:^|[.!?\u2026:;,\n(@]\s*|\b(?:{_GREETING})[\s,]+){re.escape(word)}"
        r"(?=\s*(?:[,!?:)\u2026]|\.(?:\s|$)|$))"
        rf"|@{re.escape(word)}(?!\w)",
        re.IGNORECASE,
    )


def _like_a_name(word: str, text: str) -> bool:
    """Tell whether ``word`` stands in ``text`` with a capital inside a sentence, or as a call."""
    composed = unicodedata.normalize("NFKC", text)
    shouted = composed.isupper()
    return any(
        found["word"] is None or (found["word"][0].isupper() and not shouted)
        for found in _set_off(word).finditer(composed)
    )


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
