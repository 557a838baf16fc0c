"""Changes to books and settings between the turns of a conversation given as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.domain.errors import InvalidRequest
from services.persona.cards.leniency import as_mapping
from services.persona.lore import fields
from services.persona.lore.books import MOST_ENTRIES, edited, read_book
from services.persona.lore.entry import Lorebook, Scope
from services.persona.lore.wire import SETTINGS

_WRAPPERS = ("set", "fields", "changes")
_ABOUT_BOOKS = frozenset({"name", "scope"})
_ABOUT_ENTRIES = frozenset({"uid", "book", "world"})
_ENTRY_FIELDS = frozenset({"key", "keys", "content"})


def patched(
    books: Sequence[Lorebook],
    settings: Mapping[str, object],
    patch: object,
    *,
    most_entries: int = MOST_ENTRIES,
) -> tuple[list[Lorebook], dict[str, object]]:
    """Return books and settings with what ``patch`` changes; raises ``InvalidRequest``."""
    patching = _Patching(books, settings, most_entries)
    patching.apply(patch)
    return patching.books, patching.settings


def scoped_book(raw: Mapping[str, object], *, most_entries: int = MOST_ENTRIES) -> Lorebook:
    """Return a book from ``{"name", "scope", "entries"}``; raises ``InvalidRequest``."""
    named = fields.text(raw.get("scope")) or Scope.GLOBAL
    try:
        scope = Scope(named)
    except ValueError as error:
        scopes = ", ".join(Scope)
        raise InvalidRequest(
            "lore_scope", f"The scope {named[:40]!r} of a book is none of {scopes}."
        ) from error
    name = fields.text(raw.get("name")) or "book"
    book = read_book(raw, name=name, scope=scope, most_entries=most_entries)
    return replace(book, name=name)


def as_object(value: object, what: str) -> Mapping[str, object]:
    """Return ``value`` if it is an object; raises ``InvalidRequest`` naming ``what`` is not."""
    if not isinstance(value, Mapping):
        verb = "have" if what.endswith("s") else "has"
        raise InvalidRequest("lore_request", f"The {what} {verb} to be an object.")
    return value


class _Patching:
    def __init__(
        self, books: Sequence[Lorebook], settings: Mapping[str, object], most_entries: int
    ) -> None:
        self.books = list(books)
        self.settings = dict(settings)
        self._most_entries = most_entries

    def apply(self, patch: object) -> None:
        if isinstance(patch, (list, tuple)):
            for one in patch:
                self.apply(one)
        elif not isinstance(patch, Mapping):
            raise InvalidRequest("lore_patch", "A patch has to be an object.")
        elif "uid" in patch:
            self._apply_to_entry(patch)
        elif isinstance(patch.get("book", patch.get("world")), str) and "entries" in patch:
            self._apply_to_books([{**patch, "name": patch.get("book", patch.get("world"))}])
        else:
            for name, value in patch.items():
                self._apply_named(str(name), value)

    def _apply_named(self, name: str, value: object) -> None:
        if name == "settings":
            self.settings.update(as_object(value, "settings"))
        elif name == "books":
            self._apply_to_books(value)
        elif name == "entries":
            self._apply_to_entries(value)
        elif isinstance(value, Mapping) and self._named(name):
            self._apply_to_entries({name: value})
        elif name in SETTINGS or name == "sources":
            self.settings[name] = value
        elif isinstance(value, Mapping) and "uid" in value:
            self._apply_to_entry(value)
        elif isinstance(value, Mapping):
            self._apply_to_entries({name: value})

    def _apply_to_books(self, value: object) -> None:
        if isinstance(value, Mapping):
            value = [{**as_mapping(book), "name": name} for name, book in value.items()]
        if not isinstance(value, (list, tuple)):
            raise InvalidRequest("lore_patch", "The books of a patch have to be a list.")
        for book in value:
            raw = as_object(book, "book")
            name = fields.text(raw.get("name"))
            if not self._named(name):
                self.books.append(scoped_book(raw, most_entries=self._most_entries))
                continue
            entries = raw["entries"] if "entries" in raw else _without(raw, _ABOUT_BOOKS)
            self._edit(self._named(name), _by_id(entries))

    def _apply_to_entries(self, value: object) -> None:
        if isinstance(value, (list, tuple)):
            for one in value:
                self._apply_to_entry(as_object(one, "entry"))
            return
        for name, changes in as_object(value, "entries").items():
            named = self._named(name)
            if named:
                inner = as_mapping(changes)
                self._edit(named, _by_id(inner.get("entries", inner)))
            else:
                self._edit(self._owners(name, changes), {name: changes})

    def _apply_to_entry(self, one: Mapping[str, object]) -> None:
        uid = fields.text(one.get("uid"))
        book = one.get("book", one.get("world"))
        changes = _without(one, _ABOUT_ENTRIES)
        for wrapper in _WRAPPERS:
            changes = as_mapping(changes.get(wrapper)) or changes
        if isinstance(changes.get("field"), str) and "value" in changes:
            changes = {fields.text(changes["field"]): changes["value"]}
        if book is None:
            self._edit(self._owners(uid, changes), {uid: changes})
            return
        named = self._named(fields.text(book))
        if not named:
            raise InvalidRequest(
                "lore_patch",
                f"The patch names a book {fields.text(book)[:40]!r}, unknown here.",
            )
        self._edit(named, {uid: changes})

    def _owners(self, uid: str, changes: object) -> list[int]:
        """Return the books that have such an entry; a whole one may be new in the only book."""
        owners = [
            at
            for at, book in enumerate(self.books)
            if any(str(entry.uid) == uid for entry in book.entries)
        ]
        is_whole = not _ENTRY_FIELDS.isdisjoint(as_mapping(changes))
        if not owners and is_whole and len(self.books) == 1:
            return [0]
        if not owners:
            raise InvalidRequest(
                "lore_patch", f"The patch names {uid[:40]!r}, which is no book and no entry."
            )
        return owners

    def _named(self, name: str) -> list[int]:
        return [at for at, book in enumerate(self.books) if book.name == name]

    def _edit(self, books: Iterable[int], changes: Mapping[str, object]) -> None:
        known = {
            str(uid): None if its is None else as_object(its, "entry")
            for uid, its in changes.items()
        }
        for at in books:
            self.books[at] = edited(self.books[at], known, most_entries=self._most_entries)


def _by_id(entries: object) -> Mapping[str, object]:
    """Return changed entries by their ids, whether they are listed or not."""
    if isinstance(entries, (list, tuple)):
        listed = [as_object(entry, "entry") for entry in entries]
        return {fields.text(one.get("uid", at)): one for at, one in enumerate(listed)}
    return as_object(entries, "entries")


def _without(raw: Mapping[str, object], names: frozenset[str]) -> Mapping[str, object]:
    return {name: value for name, value in raw.items() if name not in names}
