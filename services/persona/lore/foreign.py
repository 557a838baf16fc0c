"""Lorebooks of Agnai and KoboldAI, rewritten as SillyTavern's entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.persona.lore import fields
from services.persona.lore.entry import Logic, Position
from services.persona.lore.javascript import property_order

_NEW: Mapping[str, object] = {"selective": True, "useProbability": True}


def agnai_entries(book: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Yield the entries of an Agnai memory book; the heavier comes later in the prompt."""
    listed = book.get("entries")
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(entry, Mapping):
            continue
        yield {
            **_NEW,
            "uid": index,
            "key": list(fields.words(entry.get("keywords"))),
            "comment": fields.text(entry.get("name")),
            "content": fields.text(entry.get("entry")),
            "order": fields.number(entry.get("weight")),
            "disable": not fields.flag(entry.get("enabled"), default=True),
            "position": int(Position.BEFORE),
            "extensions": {"agnai": dict(entry)},
        }


def is_kobold(book: Mapping[str, object]) -> bool:
    """Whether this is a saved story or a world info file of KoboldAI."""
    if isinstance(book.get("wi"), list) or isinstance(book.get("worldinfo"), list):
        return True
    return "folders" in book and isinstance(book.get("entries"), Mapping)


def kobold_entries(book: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Yield the world info of a saved story or of a world info file with folders.

    Keys are text with commas or lists; ``keyanti`` excludes where there are no secondary keys.
    """
    for index, entry in enumerate(_kobold_listed(book)):
        secondary = fields.words(entry.get("keysecondary"))
        excluded = fields.words(entry.get("keyanti"))
        probability = fields.number(entry.get("probability"), default=100)
        has_excluded = not secondary and bool(excluded)
        yield {
            "uid": fields.uid(entry.get("uid"), default=index),
            "key": list(fields.words(entry.get("key"))),
            "keysecondary": list(secondary or excluded),
            "selective": has_excluded or fields.flag(entry.get("selective")),
            "selectiveLogic": int(Logic.NOT_ANY if has_excluded else Logic.AND_ANY),
            "comment": fields.text(entry.get("comment")) or fields.text(entry.get("title")),
            "content": fields.text(entry.get("content")),
            "constant": fields.flag(entry.get("constant")),
            "disable": fields.flag(entry.get("widisabled")),
            "probability": probability,
            "useProbability": probability < 100,
            "group": fields.text(entry.get("wigroup")),
            "position": int(Position.BEFORE),
            "extensions": {"kobold": dict(entry)},
        }


def _kobold_listed(book: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    entries = book.get("entries")
    if isinstance(entries, Mapping):
        listed: list[object] = [entries[name] for name in property_order(entries)]
    else:
        found = book.get("worldinfo") or book.get("wi")
        listed = found if isinstance(found, list) else []
    yield from (entry for entry in listed if isinstance(entry, Mapping))
