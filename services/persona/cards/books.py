"""The lorebook inside a card, repaired; what its entries do is decided elsewhere."""

from __future__ import annotations

from services.persona.cards.leniency import as_flag, as_number
from services.persona.cards.repairs import Repairs
from services.persona.cards.versions import restore_entry

_DEFAULT_ORDER = 100
_WORLD_FIELDS = {"key": "keys", "keysecondary": "secondary_keys", "order": "insertion_order"}
_POSITIONS = ("before_char", "after_char")


def book_of(value: object, repairs: Repairs) -> dict[str, object] | None:
    """Return the book in its normal form; ``None`` when ``value`` cannot be one.

    Null stays null in fields that may be missing; unknown fields stay.
    """
    if isinstance(value, list):
        repairs.say("`character_book` was a list and was taken for its entries.")
        value = {"entries": value}
    if not isinstance(value, dict):
        if value:
            repairs.say("`character_book` was no object and was left out.")
        return None
    book: dict[str, object] = value
    for name in ("name", "description"):
        if book.get(name) is not None:
            book[name] = repairs.text(book[name], f"character_book.{name}")
    for name in ("scan_depth", "token_budget"):
        if name in book:
            book[name] = repairs.optional(book[name], f"character_book.{name}", as_number)
    if "recursive_scanning" in book:
        where = "character_book.recursive_scanning"
        book["recursive_scanning"] = repairs.optional(book["recursive_scanning"], where, as_flag)
    book["extensions"] = repairs.mapping(book.get("extensions"), "character_book.extensions")
    listed = repairs.listed(book.get("entries"), "character_book.entries")
    entries = [entry for entry in listed if isinstance(entry, dict)]
    if len(entries) < len(listed):
        repairs.say("An entry of the lorebook was no object and was left out.")
    book["entries"] = [_entry(entry, repairs) for entry in entries]
    return book


def _entry(entry: dict[str, object], repairs: Repairs) -> dict[str, object]:
    restore_entry(entry)
    _rename_world_fields(entry, repairs)
    entry["keys"] = repairs.words(entry.get("keys"), "entry.keys")
    entry["content"] = repairs.text(entry.get("content"), "entry.content")
    entry["extensions"] = repairs.mapping(entry.get("extensions"), "entry.extensions")
    entry["enabled"] = repairs.flag(entry.get("enabled"), "entry.enabled", default=True)
    entry["insertion_order"] = repairs.number(
        entry.get("insertion_order"), "entry.insertion_order", default=_DEFAULT_ORDER
    )
    entry["use_regex"] = repairs.flag(entry.get("use_regex"), "entry.use_regex", default=False)
    if "secondary_keys" in entry:
        entry["secondary_keys"] = repairs.words(entry["secondary_keys"], "entry.secondary_keys")
    for name in ("case_sensitive", "selective", "constant"):
        if name in entry:
            entry[name] = repairs.optional(entry[name], f"entry.{name}", as_flag)
    if "priority" in entry:
        entry["priority"] = repairs.optional(entry["priority"], "entry.priority", as_number)
    for name in ("name", "comment"):
        if entry.get(name) is not None:
            entry[name] = repairs.text(entry[name], f"entry.{name}")
    _mend_position(entry, repairs)
    return entry


def _rename_world_fields(entry: dict[str, object], repairs: Repairs) -> None:
    """Rename what a world file calls otherwise."""
    for world_name, name in _WORLD_FIELDS.items():
        if world_name in entry and name not in entry:
            entry[name] = entry.pop(world_name)
            repairs.say("Entries of the lorebook had the form of a world file.")
    if "disable" in entry and "enabled" not in entry:
        entry["enabled"] = not as_flag(entry.pop("disable"))


def _mend_position(entry: dict[str, object], repairs: Repairs) -> None:
    """Move a world file's number of a position to where such numbers stand in a card."""
    number = as_number(entry.get("position"))
    if number is None:
        return
    repairs.say("`entry.position` had the wrong type and was repaired.")
    extensions = entry["extensions"]
    if isinstance(extensions, dict):
        extensions.setdefault("position", int(number))
    entry["position"] = _POSITIONS[0 if number == 0 else 1]
