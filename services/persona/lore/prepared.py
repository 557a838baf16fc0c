"""Books made ready for scanning: keys read and indexed, decorators understood, order settled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

from services.persona.javascript_regex import JavaScriptRegex
from services.persona.lore.decorators import (
    NO_CONDITIONS,
    Conditions,
    sillytavern_conditions,
    split_decorators,
    v3_entry,
)
from services.persona.lore.entry import Lorebook, LoreEntry, Scope
from services.persona.lore.key_index import KeyIndex
from services.persona.lore.keys import Key, KeyKind, KeyRules, plain_key, read_key
from services.persona.lore.request import Decorators, Strategy
from services.persona.lore.scan_text import DEEPEST

ELSEWHERE = -1
"""The number of a key that no index can find."""

_FIELDS = tuple(field.name for field in fields(LoreEntry) if field.name != "raw")

ValidRegexes = Callable[[Sequence[JavaScriptRegex]], list[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What decides how a book is made ready."""

    cased: bool
    whole_words: bool
    decorators: Decorators
    knows_greeting: bool
    knows_icon: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedEntry:
    """An entry as scans use it.

    ``eager`` entries are looked at in every pass, the others once one of their primary keys was
    found. ``asks`` says that a key has to be expanded or run first, ``free`` that nothing but a
    cooldown can keep the entry out.
    """

    book: str
    scope: Scope
    entry: LoreEntry
    content: str
    conditions: Conditions
    rules: KeyRules
    primary: tuple[tuple[Key, int], ...]
    secondary: tuple[tuple[Key, int], ...]
    additional: tuple[tuple[tuple[Key, int], ...], ...]
    excluded: tuple[tuple[Key, int], ...]
    eager: bool
    asks: bool
    free: bool

    @property
    def name(self) -> str:
        """What the entry's timed effects are stored under."""
        return f"{self.book}.{self.entry.uid}"

    @property
    def is_timed(self) -> bool:
        """Whether anything about the entry depends on earlier scans."""
        entry, conditions = self.entry, self.conditions
        return bool(entry.sticky or entry.cooldown) or (
            conditions.keep_after_match or conditions.not_after_match
        )

    @cached_property
    def fingerprint(self) -> str:
        """What changes whenever the entry is edited."""
        known = [getattr(self.entry, name) for name in _FIELDS]
        said = json.dumps([self.name, known, self.entry.raw], sort_keys=True, default=_plain)
        return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedBook:
    """A book's entries in the file's order and the index of their keys.

    ``users`` are the entries, by their place, that have a key of this number among the primary.
    """

    book: Lorebook
    entries: tuple[PreparedEntry, ...]
    index: KeyIndex
    users: tuple[tuple[int, ...], ...]
    deepest: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lineup:
    """Entries of several books in the order in which they compete.

    ``ranks`` gives, for each book, the place of each of its entries in that order; ``homes`` is
    the book of each entry.
    """

    books: tuple[PreparedBook, ...]
    entries: tuple[PreparedEntry, ...]
    ranks: tuple[tuple[int, ...], ...]
    homes: tuple[int, ...]
    eager: tuple[int, ...]
    timed: tuple[int, ...]
    levels: tuple[float, ...]
    deepest: int


def prepare(book: Lorebook, preparation: Preparation, valid: ValidRegexes) -> PreparedBook:
    """Make a book ready; ``valid`` is asked once, and only if a key looks like a regex."""
    drafts = [_Draft(book, entry, preparation) for entry in book.entries]
    _settle_regexes(drafts, valid)
    index = KeyIndex(key for draft in drafts for key in draft.plain_keys())
    entries = tuple(draft.finished(index) for draft in drafts)
    users: list[list[int]] = []
    for place, entry in enumerate(entries):
        for number in {number for _, number in entry.primary if number != ELSEWHERE}:
            users.extend([] for _ in range(number + 1 - len(users)))
            users[number].append(place)
    return PreparedBook(
        book=book,
        entries=entries,
        index=index,
        users=tuple(tuple(places) for places in users),
        deepest=max((entry.entry.scan_depth or 0 for entry in entries), default=0),
    )


def line_up(books: Sequence[PreparedBook], strategy: Strategy) -> Lineup:
    """Put the entries of all books in their order.

    Books of the conversation come first, then those of the persona and the user, then the
    character's and the global ones as ``strategy`` says; within a list by order, descending, and
    as they stand in the books where that is equal.
    """
    placed: list[tuple[int, int]] = []
    for scopes in _lists(strategy):
        listed = [
            (which, place)
            for scope in scopes
            for which, book in enumerate(books)
            if book.book.scope is scope
            for place in range(len(book.entries))
        ]
        listed.sort(key=lambda at: -books[at[0]].entries[at[1]].entry.order)
        placed += listed
    entries = tuple(books[which].entries[place] for which, place in placed)
    ranks = [[0] * len(book.entries) for book in books]
    for rank, (which, place) in enumerate(placed):
        ranks[which][place] = rank
    levels = {entry.entry.delay_until_recursion for entry in entries}
    return Lineup(
        books=tuple(books),
        entries=entries,
        ranks=tuple(tuple(its) for its in ranks),
        homes=tuple(which for which, _ in placed),
        eager=tuple(rank for rank, entry in enumerate(entries) if entry.eager),
        timed=tuple(rank for rank, entry in enumerate(entries) if entry.is_timed),
        levels=tuple(sorted(level for level in levels if level)),
        deepest=min(DEEPEST, max((book.deepest for book in books), default=0)),
    )


def _lists(strategy: Strategy) -> Iterable[tuple[Scope, ...]]:
    yield (Scope.CHAT,)
    yield (Scope.PERSONA,)
    yield (Scope.USER,)
    match strategy:
        case Strategy.EVENLY:
            yield (Scope.GLOBAL, Scope.CHARACTER)
        case Strategy.CHARACTER_FIRST:
            yield (Scope.CHARACTER,)
            yield (Scope.GLOBAL,)
        case Strategy.GLOBAL_FIRST:
            yield (Scope.GLOBAL,)
            yield (Scope.CHARACTER,)


class _Draft:
    """An entry whose keys are read but not yet indexed."""

    def __init__(self, book: Lorebook, entry: LoreEntry, preparation: Preparation) -> None:
        self._book = book
        decorators, self._content = split_decorators(entry.content)
        if preparation.decorators == "v3":
            self._content = self._content.lstrip("\r\n") if decorators else self._content
            entry = _with_book_settings(entry, book)
            entry, self._conditions = v3_entry(
                entry,
                decorators,
                knows_greeting=preparation.knows_greeting,
                knows_icon=preparation.knows_icon,
            )
        else:
            self._conditions = sillytavern_conditions(decorators)
        self._entry = entry
        own_case, own_whole = entry.case_sensitive, entry.match_whole_words
        self.rules = KeyRules(
            cased=preparation.cased if own_case is None else own_case,
            whole_words=preparation.whole_words if own_whole is None else own_whole,
        )
        self.primary = [read_key(key, self.rules) for key in entry.keys]
        secondary = entry.secondary_keys if entry.selective else ()
        self.secondary = [read_key(key, self.rules) for key in secondary]
        additional = self._conditions.additional_keys
        self.additional = [[read_key(key, self.rules) for key in keys] for keys in additional]
        self.excluded = [read_key(key, self.rules) for key in self._conditions.exclude_keys]

    def lists(self) -> list[list[Key]]:
        """Return every list of keys of the entry."""
        return [self.primary, self.secondary, *self.additional, self.excluded]

    def plain_keys(self) -> Iterable[Key]:
        """Yield the keys an index can find."""
        for keys in self.lists():
            for key in keys:
                if key.kind is KeyKind.PLAIN and not key.crosses_texts:
                    yield key

    def finished(self, index: KeyIndex) -> PreparedEntry:
        primary = _numbered(self.primary, index)
        entry = self._entry
        return PreparedEntry(
            book=self._book.name,
            scope=self._book.scope,
            entry=entry,
            content=self._content,
            conditions=self._conditions,
            rules=self.rules,
            primary=primary,
            secondary=_numbered(self.secondary, index),
            additional=tuple(_numbered(keys, index) for keys in self.additional),
            asks=any(
                key.kind in {KeyKind.MACRO, KeyKind.REGEX} for keys in self.lists() for key in keys
            ),
            free=self._is_free(),
            excluded=_numbered(self.excluded, index),
            eager=entry.constant
            or self._conditions.activate
            or any(
                number == ELSEWHERE and key.kind is not KeyKind.NEVER for key, number in primary
            ),
        )

    def _is_free(self) -> bool:
        entry = self._entry
        return self._conditions == NO_CONDITIONS and not (
            entry.disabled
            or entry.character_filter.names
            or entry.character_filter.tags
            or entry.triggers
            or entry.delay
            or entry.delay_until_recursion
            or entry.exclude_recursion
        )


def _numbered(keys: Iterable[Key], index: KeyIndex) -> tuple[tuple[Key, int], ...]:
    return tuple(
        (key, index.number(key))
        if key.kind is KeyKind.PLAIN and not key.crosses_texts
        else (key, ELSEWHERE)
        for key in keys
    )


def _settle_regexes(drafts: Sequence[_Draft], valid: ValidRegexes) -> None:
    """Turn keys that only look like an expression into plain ones."""
    asked = {
        key.regex: False
        for draft in drafts
        for keys in draft.lists()
        for key in keys
        if key.regex is not None
    }
    if not asked:
        return
    answers = dict(zip(asked, valid(list(asked)), strict=True))
    for draft in drafts:
        for keys in draft.lists():
            for at, key in enumerate(keys):
                if key.regex is not None and not answers[key.regex]:
                    keys[at] = plain_key(str(key.regex), draft.rules, written=key.written)


def _with_book_settings(entry: LoreEntry, book: Lorebook) -> LoreEntry:
    """Return the entry under what its V3 book asks for."""
    if book.scan_depth is not None and entry.scan_depth is None:
        entry = replace(entry, scan_depth=book.scan_depth)
    if book.recursive_scanning is False:
        entry = replace(entry, exclude_recursion=True, prevent_recursion=True)
    return entry


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    return str(value)
