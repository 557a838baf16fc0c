"""Books made ready for scanning: keys read and indexed, decorators understood."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

from services.persona.lore.decorators import (
    NO_CONDITIONS,
    Conditions,
    sillytavern_conditions,
    split_decorators,
    v3_entry,
)
from services.persona.lore.entry import BookForm, Lorebook, LoreEntry, Scope
from services.persona.lore.fields import optional_flag
from services.persona.lore.key_index import KeyIndex
from services.persona.lore.keys import Key, KeyKind, KeyRules, read_key
from services.persona.lore.request import Decorators

ELSEWHERE = -1
"""The number of a key that no index can find."""

_FIELDS = tuple(field.name for field in fields(LoreEntry) if field.name != "raw")
_OPEN = frozenset({KeyKind.MACRO, KeyKind.REGEX})

NumberedKeys = tuple[tuple[Key, int], ...]


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
    cooldown can keep the entry out, ``timed`` that anything about it depends on earlier scans.
    """

    book: str
    scope: Scope
    entry: LoreEntry
    content: str
    conditions: Conditions
    rules: KeyRules
    primary: NumberedKeys
    secondary: NumberedKeys
    additional: tuple[NumberedKeys, ...]
    excluded: NumberedKeys
    eager: bool
    asks: bool
    free: bool
    timed: bool

    @property
    def name(self) -> str:
        """What the entry's timed effects are stored under."""
        return f"{self.book}.{self.entry.uid}"

    @cached_property
    def fingerprint(self) -> str:
        """What changes whenever the entry is edited."""
        entry = self.entry
        known = entry.raw or [getattr(entry, name) for name in _FIELDS]
        said = json.dumps([self.name, known], sort_keys=True, default=_plain)
        return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedBook:
    """A book's entries in the file's order and the index of their keys.

    ``users`` are the entries, by their place, that have a key of this number among the primary.
    ``token_budget`` is the book's own, if it counts.
    """

    book: Lorebook
    entries: tuple[PreparedEntry, ...]
    index: KeyIndex
    users: tuple[tuple[int, ...], ...]
    deepest: int
    token_budget: int | None


def prepare(book: Lorebook, preparation: Preparation) -> PreparedBook:
    """Make a book ready. Which of its expressions are valid shows once one is run."""
    rules = preparation.decorators
    by_v3 = rules == "v3" or (rules == "auto" and book.form is BookForm.LOREBOOK_V3)
    drafts = [_Draft(book, entry, preparation, by_v3=by_v3) for entry in book.entries]
    index = KeyIndex(key for draft in drafts for key in draft.plain_keys())
    entries = tuple([draft.finished(index) for draft in drafts])
    users: list[list[int]] = []
    for place, entry in enumerate(entries):
        for number in {number for _, number in entry.primary}:
            if number != ELSEWHERE:
                users.extend([] for _ in range(number + 1 - len(users)))
                users[number].append(place)
    return PreparedBook(
        book=book,
        entries=entries,
        index=index,
        users=tuple(tuple(places) for places in users),
        deepest=max((entry.entry.scan_depth or 0 for entry in entries), default=0),
        token_budget=book.token_budget if by_v3 else None,
    )


class _Draft:
    """An entry whose keys are read but not yet indexed."""

    def __init__(
        self, book: Lorebook, entry: LoreEntry, preparation: Preparation, *, by_v3: bool
    ) -> None:
        self._book = book
        self._content = entry.content
        self._conditions = NO_CONDITIONS
        if by_v3:
            entry = _with_v3_fields(entry, book)
        if self._content.startswith("@@"):
            decorators, self._content = split_decorators(self._content)
            if by_v3:
                self._content = self._content.lstrip("\r\n")
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
        rules = self.rules = KeyRules(
            cased=preparation.cased if own_case is None else own_case,
            whole_words=preparation.whole_words if own_whole is None else own_whole,
        )
        self.primary = [read_key(key, rules) for key in entry.keys]
        secondary = entry.secondary_keys if entry.selective else ()
        self.secondary = [read_key(key, rules) for key in secondary]
        self.additional = [
            [read_key(key, rules) for key in keys] for keys in self._conditions.additional_keys
        ]
        self.excluded = [read_key(key, rules) for key in self._conditions.exclude_keys]
        self.lists = (self.primary, self.secondary, *self.additional, self.excluded)

    def plain_keys(self) -> Iterable[Key]:
        """Yield the keys an index can find."""
        for keys in self.lists:
            for key in keys:
                if key.kind is KeyKind.PLAIN and not key.crosses_texts:
                    yield key

    def finished(self, index: KeyIndex) -> PreparedEntry:
        primary = _numbered(self.primary, index)
        entry, conditions = self._entry, self._conditions
        return PreparedEntry(
            book=self._book.name,
            scope=self._book.scope,
            entry=entry,
            content=self._content,
            conditions=conditions,
            rules=self.rules,
            primary=primary,
            secondary=_numbered(self.secondary, index),
            additional=tuple(_numbered(keys, index) for keys in self.additional),
            excluded=_numbered(self.excluded, index),
            asks=any(key.kind in _OPEN for keys in self.lists for key in keys),
            free=conditions is NO_CONDITIONS and _is_free(entry),
            eager=entry.constant
            or conditions.activate
            or any(
                number == ELSEWHERE and key.kind is not KeyKind.NEVER for key, number in primary
            ),
            timed=bool(entry.sticky or entry.cooldown)
            or conditions.keep_after_match
            or conditions.not_after_match,
        )


def _is_free(entry: LoreEntry) -> bool:
    return not (
        entry.disabled
        or entry.character_filter.names
        or entry.character_filter.tags
        or entry.triggers
        or entry.delay
        or entry.delay_until_recursion
        or entry.exclude_recursion
    )


def _numbered(keys: Sequence[Key], index: KeyIndex) -> NumberedKeys:
    if not keys:
        return ()
    return tuple(
        [
            (key, index.number(key))
            if key.kind is KeyKind.PLAIN and not key.crosses_texts
            else (key, ELSEWHERE)
            for key in keys
        ]
    )


def _with_v3_fields(entry: LoreEntry, book: Lorebook) -> LoreEntry:
    """Return the entry under what its V3 book and its own V3 fields ask for."""
    if book.scan_depth is not None and entry.scan_depth is None:
        entry = replace(entry, scan_depth=book.scan_depth)
    if book.recursive_scanning is False:
        entry = replace(entry, exclude_recursion=True, prevent_recursion=True)
    cased = optional_flag(entry.raw.get("case_sensitive"))
    if cased is not None and entry.case_sensitive is None:
        entry = replace(entry, case_sensitive=cased)
    return entry


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    return str(value)
