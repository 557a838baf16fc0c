"""Finding where others repeat what somebody said, and taking it out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.memory.forgetting.common_words import COMMON

FORGOTTEN = "[forgotten]"
"""What stands where forgotten words stood."""

QUOTE_WORDS = 5
"""So many words in a row count as a quotation, where two of them are telling."""

_TELLING = 2.0
_SHORTEST_NAME = 3
_SHORTEST_WORD = 4
_LONGEST_NUMBER_OF_EVERYDAY = 4
_LOOK_BACK = 8
# Scripts without spaces between words: each sign is a word of its own, and weighs less.
_SIGN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_SIGN}]|[^\W_{_SIGN}]+")
_ONE_SIGN = re.compile(rf"[{_SIGN}]")
_SIGN_WEIGHT = 0.25
# E-mail addresses, codes, telephone numbers: words joined by signs, with a digit or an @.
_COMPOUND = re.compile(r"[^\W_]+(?:[-_.@/+:][^\W_]+)+")
_EVERYDAY_NUMBER = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|[\d:.]+")
_SENTENCE_END = ".!?…\n\"'“„«:*-(["

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was said; ``id`` sorts by time."""

    id: str
    conversation: str = ""
    ordinal: int = 0

    def before(self, other: Place) -> bool:
        """Tell whether this was said first; within a conversation its own order counts."""
        if self.conversation == other.conversation:
            return self.ordinal < other.ordinal
        return self.id < other.id


@dataclass(frozen=True, slots=True)
class Token:
    """A word as it is compared, and where it stands in its text."""

    word: str
    start: int
    end: int


class Quotes:
    """Recognises what one person said in what others say.

    A quotation is five words in a row of which two are telling, a whole short message of telling
    words, or a single name, number or address that nobody used before the person did. What others
    had said earlier is theirs and stays.
    """

    def __init__(self) -> None:
        self._runs: dict[int, Place] = {}
        self._short: dict[Words, Place] = {}
        self._names: dict[str, Place] = {}
        self._openings: dict[str, int] = {}
        self._borrowed: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._runs or self._short or self._names)

    def add(self, text: str, place: Place) -> None:
        """Learn what the person said at ``place``; add earlier texts first."""
        tokens = tokens_of(text)
        words = [token.word for token in tokens]
        for start in range(len(words) - QUOTE_WORDS + 1):
            self._runs.setdefault(hash(tuple(words[start : start + QUOTE_WORDS])), place)
        if len(words) < QUOTE_WORDS and _weight(words) >= _TELLING:
            self._add_short(tuple(words), place)
        for joined in _compounds(text):
            self._add_short(joined, place)
        for word in _names(text, tokens):
            self._names.setdefault(word, place)

    def add_name(self, name: str, place: Place) -> None:
        """Learn a name of the person."""
        words = tuple(token.word for token in tokens_of(name))
        if len(words) > 1:
            self._add_short(words, place)
        for word in words:
            if len(word) >= _SHORTEST_NAME and word not in COMMON:
                self._names.setdefault(word, place)

    def disown(self, text: str) -> None:
        """Learn words that were there before the person used them, such as a document's."""
        self._mark_borrowed(tokens_of(text), None)

    def redacted(
        self, text: str, *, at: Place | None = None, also: Collection[str] = ()
    ) -> str | None:
        """Return ``text`` without what it quotes, ``None`` when it quotes nothing.

        Only what was said before ``at`` can be quoted there; without, everything. What stands at
        ``at`` and was said before the person is remembered as not theirs: read texts with places in
        the order of their ids. ``also`` are further words that are taken out.
        """
        tokens = tokens_of(text)
        if at is not None:
            self._mark_borrowed(tokens, at)
        taken = self._taken(tokens, at, also)
        if not any(taken):
            return None
        pieces: list[str] = []
        kept = 0
        for start, end in _spans(tokens, taken):
            pieces += [text[kept:start], FORGOTTEN]
            kept = end
        return "".join([*pieces, text[kept:]])

    def needles(self, text: str, *, most: int = 3) -> list[str]:
        """Return pieces of a learnt text that nobody else had said, spread over it."""
        tokens = tokens_of(text)
        words = [token.word for token in tokens]
        found: list[str] = []
        last = len(words) - QUOTE_WORDS
        fitting = [start for start in range(last + 1) if self._is_needle(words, start)]
        step = max(1, -(-len(fitting) // most))
        for start in fitting[::step]:
            found.append(text[tokens[start].start : tokens[start + QUOTE_WORDS - 1].end])
        for match in _COMPOUND.finditer(text):
            joined = tuple(token.word for token in tokens_of(match[0]))
            if _is_code(match[0]) and hash(joined) not in self._borrowed:
                found.append(match[0])
        return found

    def _is_needle(self, words: Sequence[str], start: int) -> bool:
        window = tuple(words[start : start + QUOTE_WORDS])
        return _weight(window) >= _TELLING and hash(window) not in self._borrowed

    def _mark_borrowed(self, tokens: Sequence[Token], at: Place | None) -> None:
        words = [token.word for token in tokens]
        for start, word in enumerate(words):
            known = self._names.get(word)
            if known is not None and _earlier(at, known):
                del self._names[word]
            run = hash(tuple(words[start : start + QUOTE_WORDS]))
            place = self._runs.get(run)
            if place is not None and _earlier(at, place):
                self._borrowed.add(run)
            for length in range(1, self._openings.get(word, 0) + 1):
                short = tuple(words[start : start + length])
                place = self._short.get(short)
                if place is not None and _earlier(at, place):
                    self._borrowed.add(hash(short))

    def _add_short(self, words: Words, place: Place) -> None:
        if words not in self._short:
            self._short[words] = place
            longest = self._openings.get(words[0], 0)
            self._openings[words[0]] = max(longest, len(words))

    def _taken(
        self, tokens: Sequence[Token], at: Place | None, also: Collection[str]
    ) -> list[bool]:
        words = [token.word for token in tokens]
        taken = [word in also or self._is_name(word, at) for word in words]
        for start, end in self._quoted_runs(words, at):
            taken[start:end] = [True] * (end - start)
        for start, word in enumerate(words):
            for length in range(1, self._openings.get(word, 0) + 1):
                place = self._short.get(tuple(words[start : start + length]))
                known = place is not None and (at is None or place.before(at))
                if known and hash(tuple(words[start : start + length])) not in self._borrowed:
                    taken[start : start + length] = [True] * length
        return taken

    def _is_name(self, word: str, at: Place | None) -> bool:
        place = self._names.get(word)
        return place is not None and (at is None or place.before(at))

    def _quoted_runs(self, words: Sequence[str], at: Place | None) -> Iterator[tuple[int, int]]:
        begun: int | None = None
        last = len(words) - QUOTE_WORDS
        for start in range(last + 2):
            if start <= last and self._is_quoted(words, start, at):
                begun = start if begun is None else begun
            elif begun is not None:
                end = start + QUOTE_WORDS - 1
                if _weight(words[begun:end]) >= _TELLING:
                    yield begun, end
                begun = None

    def _is_quoted(self, words: Sequence[str], start: int, at: Place | None) -> bool:
        run = hash(tuple(words[start : start + QUOTE_WORDS]))
        place = self._runs.get(run)
        if place is None or run in self._borrowed:
            return False
        return at is None or place.before(at)


def redacted_json(value: object, quotes: Quotes, accounts: Mapping[str, str]) -> object:
    """Return JSON values without what they quote, accounts replaced; the same object if none."""
    if isinstance(value, str):
        if value in accounts:
            return accounts[value]
        changed = quotes.redacted(value)
        return value if changed is None else changed
    if isinstance(value, Mapping):
        pairs = {
            str(redacted_json(key, quotes, accounts)): redacted_json(item, quotes, accounts)
            for key, item in value.items()
        }
        return value if pairs == value else pairs
    if isinstance(value, list | tuple):
        items = [redacted_json(item, quotes, accounts) for item in value]
        return value if items == list(value) else items
    return value


def telling_words(texts: Iterable[str]) -> frozenset[str]:
    """Return the words that make ``texts`` what they are, as ``Quotes.redacted`` takes them."""
    return frozenset(
        token.word
        for text in texts
        for token in tokens_of(text)
        if len(token.word) >= _SHORTEST_WORD and token.word not in COMMON
    )


def tokens_of(text: str) -> list[Token]:
    """Return the words of ``text``: without marks and case, digits and signs of any script."""
    return [Token(_plain(match[0]), match.start(), match.end()) for match in _WORD.finditer(text)]


def _earlier(at: Place | None, than: Place) -> bool:
    return at is None or at.before(than)


def _plain(word: str) -> str:
    if word.isascii():
        return word.lower()
    return unicodedata.normalize("NFKC", word).casefold()


def _weight(words: Sequence[str]) -> float:
    """Count the telling words."""
    return sum(
        _SIGN_WEIGHT if _ONE_SIGN.fullmatch(word) else float(_is_telling(word)) for word in words
    )


def _is_telling(word: str) -> bool:
    return len(word) >= _SHORTEST_NAME and word not in COMMON


def _compounds(text: str) -> Iterator[Words]:
    for match in _COMPOUND.finditer(text):
        if _is_code(match[0]):
            yield tuple(token.word for token in tokens_of(match[0]))


def _is_code(joined: str) -> bool:
    if "@" in joined:
        return True
    long = len(joined) >= 2 * _SHORTEST_WORD and any(map(str.isdigit, joined))
    return long and not _EVERYDAY_NUMBER.fullmatch(joined)


def _names(text: str, tokens: Sequence[Token]) -> Iterator[str]:
    """Yield what looks like a name or number: capitals within a sentence, digits, mixed case."""
    for token in tokens:
        raw, word = text[token.start : token.end], token.word
        if word in COMMON or len(word) < _SHORTEST_WORD or _ONE_SIGN.match(word):
            continue
        if any(map(str.isdigit, word)):
            if len(word) > _LONGEST_NUMBER_OF_EVERYDAY or not word.isdigit():
                yield word
        elif not raw.islower() and not raw.isupper():
            before = text[max(0, token.start - _LOOK_BACK) : token.start].rstrip(" \t")
            opens = not before or before[-1] in _SENTENCE_END
            if not opens or any(map(str.isupper, raw[1:])):
                yield word


def _spans(tokens: Sequence[Token], taken: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield where taken words stand, neighbours together."""
    start: int | None = None
    for index, token in enumerate(tokens):
        if taken[index]:
            start = token.start if start is None else start
        elif start is not None:
            yield start, tokens[index - 1].end
            start = None
    if start is not None:
        yield start, tokens[-1].end
