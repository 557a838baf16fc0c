"""Reads lorebooks of every known format and writes them for SillyTavern and V3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from services.domain.errors import InvalidRequest
from services.persona.cards.jsontree import dump, parse, thaw
from services.persona.cards.leniency import as_mapping
from services.persona.cards.limits import CardProblem
from services.persona.lore import card_book, fields, foreign, world
from services.persona.lore.entry import BookForm, Lorebook, LoreEntry, Scope, Uid
from services.persona.lore.javascript import property_order

MOST_ENTRIES = 5_000
LARGEST_BYTES = 10 * 1024 * 1024

_LONGEST_UID = 15

_ReadEntry = Callable[..., LoreEntry]
_WORLD_TO_CARD = frozenset({"uid", "key", "keysecondary", "order", "disable", "addMemo"})


def read_book_file(
    content: bytes,
    *,
    name: str,
    scope: Scope = Scope.GLOBAL,
    most_entries: int = MOST_ENTRIES,
) -> Lorebook:
    """Return the lorebook in a JSON file of any known format; ``name`` is used if it has none.

    Raises ``InvalidRequest`` naming what is wrong.
    """
    if len(content) > LARGEST_BYTES:
        raise _refused(name, "it is larger than 10 MB")
    try:
        raw = parse(content)
    except CardProblem as problem:
        raise InvalidRequest(problem.code, _sentence(name, problem.problem)) from problem
    return read_book(raw, name=name, scope=scope, most_entries=most_entries)


def read_book(
    raw: object,
    *,
    name: str,
    scope: Scope = Scope.GLOBAL,
    most_entries: int = MOST_ENTRIES,
) -> Lorebook:
    """Return the lorebook that a JSON value of any known format holds.

    Raises ``InvalidRequest`` naming what is wrong.
    """
    if not isinstance(raw, Mapping):
        raise _refused(name, "it is not a JSON object")
    inner = raw.get("data")
    if raw.get("spec") == "lorebook_v3" or (
        isinstance(inner, Mapping) and isinstance(inner.get("entries"), list)
    ):
        book = _listed(as_mapping(inner), BookForm.LOREBOOK_V3, name, most_entries)
    elif isinstance(inner, Mapping) and isinstance(inner.get("character_book"), Mapping):
        book = _listed(as_mapping(inner["character_book"]), BookForm.CARD, name, most_entries)
    elif foreign.is_kobold(raw):
        book = _rewritten(raw, foreign.kobold_entries(raw), BookForm.KOBOLD, name, most_entries)
    elif raw.get("kind") == "memory":
        book = _rewritten(raw, foreign.agnai_entries(raw), BookForm.AGNAI, name, most_entries)
    elif _has_card_entries(raw):
        book = _listed(raw, BookForm.CARD, name, most_entries)
    else:
        book = _listed(raw, BookForm.SILLYTAVERN, name, most_entries)
    return replace(book, scope=scope)


def card_lorebook(
    raw: Mapping[str, object], *, name: str, most_entries: int = MOST_ENTRIES
) -> Lorebook:
    """Return the ``character_book`` of a card, which belongs to its character.

    Raises ``InvalidRequest`` naming what is wrong.
    """
    form = BookForm.CARD if _has_card_entries(raw) else BookForm.SILLYTAVERN
    return replace(_listed(raw, form, name, most_entries), scope=Scope.CHARACTER)


def edited(
    book: Lorebook,
    changes: Mapping[str, Mapping[str, object] | None],
    *,
    most_entries: int = MOST_ENTRIES,
) -> Lorebook:
    """Return ``book`` with fields of entries changed, in the names of its own form.

    ``changes`` are by the entries' ids as text; ``None`` removes an entry, an unknown id adds one.
    Raises ``InvalidRequest`` when there are too many then.
    """
    read = _reader(book.form)
    kept: list[LoreEntry] = []
    added = dict(changes)
    for entry in book.entries:
        name = str(entry.uid)
        added.pop(name, None)
        if name not in changes:
            kept.append(entry)
        elif (its := changes[name]) is not None:
            kept.append(read({**entry.raw, **its}, uid=entry.uid))
    kept += [read(dict(its), uid=_as_uid(name)) for name, its in added.items() if its is not None]
    _check_count(len(kept), book.name, most_entries)
    return replace(book, entries=tuple(kept))


def as_sillytavern(book: Lorebook) -> dict[str, object]:
    """Return ``book`` as a SillyTavern world file; unknown fields stay."""
    if _is_world(book.form):
        outside = {name: value for name, value in book.raw.items() if name != "entries"}
        entries = [
            _updated(entry, world.read_world_entry, world.world_fields) for entry in book.entries
        ]
    else:
        outside = _unknown(book.raw, _BOOK_FIELDS)
        entries = [_card_to_world(entry) for entry in book.entries]
    written = _plain(outside)
    if book.form is not BookForm.SILLYTAVERN:
        written["name"] = book.name
    return {**written, "entries": _slotted(book, entries)}


def as_character_book(book: Lorebook) -> dict[str, object]:
    """Return ``book`` as the ``character_book`` of a V3 card; unknown fields stay."""
    outside = {name: value for name, value in book.raw.items() if name != "entries"}
    if _is_world(book.form):
        entries = [_world_to_card(entry) for entry in book.entries]
        known = {name: outside.pop(name) for name in _BOOK_FIELDS if name in outside}
        extensions = {**as_mapping(known.pop("extensions", None)), **outside}
        outside = {**known, "extensions": extensions}
    else:
        entries = [
            _updated(entry, card_book.read_card_entry, card_book.card_fields)
            for entry in book.entries
        ]
    return {**_plain({"extensions": {}, **outside}), "name": book.name, "entries": entries}


def as_v3(book: Lorebook) -> dict[str, object]:
    """Return ``book`` as a ``lorebook_v3`` file; unknown fields stay."""
    return {"spec": "lorebook_v3", "data": as_character_book(book)}


def as_json(value: Mapping[str, object]) -> bytes:
    """Return a written book as UTF-8 JSON."""
    return dump(value, indent=1) + b"\n"


_BOOK_FIELDS = frozenset(
    {"name", "description", "scan_depth", "token_budget", "recursive_scanning", "extensions"}
)


def _is_world(form: BookForm) -> bool:
    return form in {BookForm.SILLYTAVERN, BookForm.AGNAI, BookForm.KOBOLD}


def _reader(form: BookForm) -> _ReadEntry:
    return world.read_world_entry if _is_world(form) else card_book.read_card_entry


def _has_card_entries(raw: Mapping[str, object]) -> bool:
    entries = raw.get("entries")
    if not isinstance(entries, (list, tuple)):
        return False
    first = next((entry for entry in entries if isinstance(entry, Mapping)), None)
    return first is not None and "keys" in first and "key" not in first


def _listed(raw: Mapping[str, object], form: BookForm, name: str, most: int) -> Lorebook:
    entries = raw.get("entries")
    if isinstance(entries, Mapping):
        pairs = [(key, entries[key]) for key in property_order(str(key) for key in entries)]
    elif isinstance(entries, (list, tuple)):
        pairs = [(str(at), entry) for at, entry in enumerate(entries)]
    elif entries is None and form is not BookForm.SILLYTAVERN:
        pairs = []
    else:
        raise _refused(name, "it has no entries")
    _check_count(len(pairs), name, most)
    read = _reader(form)
    listed = []
    for key, entry in pairs:
        if not isinstance(entry, Mapping):
            raise _refused(name, f"its entry {key[:40]} is not an object")
        listed.append(read(entry, uid=_as_uid(key)))
    return _book(raw, listed, form, name)


def _rewritten(
    raw: Mapping[str, object],
    entries: Iterable[dict[str, object]],
    form: BookForm,
    name: str,
    most: int,
) -> Lorebook:
    listed = [
        world.read_world_entry(entry, uid=at)
        for at, entry in enumerate(_counted(entries, name, most))
    ]
    return _book(
        {"name": raw.get("name"), "description": raw.get("description")}, listed, form, name
    )


def _counted(
    entries: Iterable[dict[str, object]], name: str, most: int
) -> Iterator[dict[str, object]]:
    for count, entry in enumerate(entries, 1):
        _check_count(count, name, most)
        yield entry


def _book(
    raw: Mapping[str, object], entries: list[LoreEntry], form: BookForm, name: str
) -> Lorebook:
    own_name = raw.get("name")
    return Lorebook(
        name=own_name if isinstance(own_name, str) and own_name else name,
        entries=tuple(entries),
        form=form,
        scan_depth=fields.optional_whole(raw.get("scan_depth")),
        token_budget=fields.optional_whole(raw.get("token_budget")),
        recursive_scanning=fields.optional_flag(raw.get("recursive_scanning")),
        raw=MappingProxyType({key: value for key, value in raw.items() if key != "entries"}),
    )


def _updated(
    entry: LoreEntry, read: _ReadEntry, write: Callable[[LoreEntry], dict[str, object]]
) -> dict[str, object]:
    """Return the entry as it was read, but for what has changed since."""
    if not entry.raw:
        return write(entry)
    before, now = write(read(entry.raw, uid=entry.uid)), write(entry)
    changed = {name: value for name, value in now.items() if before.get(name) != value}
    out = _plain(entry.raw)
    if "extensions" in changed:
        old, new = as_mapping(before["extensions"]), as_mapping(changed["extensions"])
        differing = {name: value for name, value in new.items() if old.get(name) != value}
        changed["extensions"] = {**as_mapping(out.get("extensions")), **differing}
    return {**out, **changed}


def _card_to_world(entry: LoreEntry) -> dict[str, object]:
    known = card_book.card_fields(entry)
    unknown = _unknown(entry.raw, frozenset(known))
    more = _unknown(
        as_mapping(entry.raw.get("extensions")), frozenset(as_mapping(known["extensions"]))
    )
    written = {**_plain(unknown), **world.world_fields(entry)}
    return {**written, "extensions": _plain(more)} if more else written


def _world_to_card(entry: LoreEntry) -> dict[str, object]:
    known = card_book.card_fields(entry)
    unknown = _unknown(entry.raw, frozenset(world.world_fields(entry)) | _WORLD_TO_CARD)
    more = as_mapping(unknown.pop("extensions", None))
    own = as_mapping(known["extensions"])
    return {**known, "extensions": {**_plain(more), **_plain(unknown), **own}}


def _unknown(raw: Mapping[str, object], known: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in raw.items() if name not in known and name != "entries"}


def _slotted(book: Lorebook, entries: Iterable[dict[str, object]]) -> dict[str, object]:
    """Return ``entries`` by their ids; where one is taken, by the next free number."""
    slots: dict[str, object] = {}
    free = 0
    for entry, written in zip(book.entries, entries, strict=True):
        slot = str(entry.uid)
        while slot in slots:
            slot, free = str(free), free + 1
        slots[slot] = written
    return slots


def _as_uid(key: str) -> Uid:
    is_number = key.isascii() and key.isdigit() and len(key) <= _LONGEST_UID
    return int(key) if is_number else key


def _plain(value: Mapping[str, object]) -> dict[str, object]:
    thawed = thaw(value)
    return thawed if isinstance(thawed, dict) else {}


def _check_count(count: int, name: str, most: int) -> None:
    if count > most:
        raise _refused(name, f"it has more than {most:,} entries")


def _refused(name: str, problem: str) -> InvalidRequest:
    return InvalidRequest("lorebook_invalid", _sentence(name, problem))


def _sentence(name: str, problem: str) -> str:
    called = f"The lorebook {name[:80]}" if name else "The lorebook"
    return f"{called} cannot be used: {problem}."
