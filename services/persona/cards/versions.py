"""What ``chara_card_v2`` has no place for, put away in extensions and brought back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from services.persona.cards.document import CardDocument
from services.persona.cards.leniency import as_mapping

_STASH = "acore_v3"
_LATER_FIELDS = (
    "assets",
    "nickname",
    "creator_notes_multilingual",
    "source",
    "group_only_greetings",
    "creation_date",
    "modification_date",
)
_VERSION = "spec_version"
_DECORATOR = "@@"
DEFAULT_VERSION = "3.0"


def as_v2(document: CardDocument) -> dict[str, object]:
    """Return the card as a plain ``chara_card_v2`` object.

    Decorators leave the entries of the lorebook, as the V3 specification demands. They, and the
    fields that V2 lacks, stay under ``extensions.acore_v3``, from where ``restored`` takes them.
    """
    card = document.plain()
    data = cast("dict[str, object]", card["data"])
    later = {name: data.pop(name) for name in _LATER_FIELDS if name in data}
    if not later.get("group_only_greetings"):
        later.pop("group_only_greetings", None)
    if card["spec_version"] != DEFAULT_VERSION:
        later[_VERSION] = card["spec_version"]
    _put_away(data, later)
    book = data.get("character_book")
    if isinstance(book, dict):
        for entry in cast("list[dict[str, object]]", book["entries"]):
            _put_away(entry, _without_later_parts(entry))
    return {**card, "spec": "chara_card_v2", "spec_version": "2.0"}


def version_put_away(data: Mapping[str, object]) -> str | None:
    """Return the version of V3 that the card had before ``as_v2``, if it was not the usual one."""
    version = as_mapping(as_mapping(data.get("extensions")).get(_STASH)).get(_VERSION)
    return version if isinstance(version, str) else None


def restored(data: dict[str, object]) -> dict[str, object]:
    """Return ``data`` with what ``as_v2`` put away back in its place; changes ``data``.

    A field that has been filled in since wins over the one put away. Entries of the lorebook are
    left to ``restore_entry``.
    """
    for name, value in _taken_out(data).items():
        if name in _LATER_FIELDS and not data.get(name):
            data[name] = value
    return data


def _put_away(owner: dict[str, object], parts: dict[str, object]) -> None:
    if parts:
        cast("dict[str, object]", owner["extensions"])[_STASH] = parts


def _taken_out(owner: dict[str, object]) -> dict[str, object]:
    extensions = owner.get("extensions")
    if not isinstance(extensions, dict):
        return {}
    parts = extensions.pop(_STASH, None)
    return parts if isinstance(parts, dict) else {}


def _without_later_parts(entry: dict[str, object]) -> dict[str, object]:
    parts: dict[str, object] = {}
    if entry.pop("use_regex", False):
        parts["use_regex"] = True
    if isinstance(entry.get("id"), str):
        parts["id"] = entry.pop("id")
    decorators, content = _split_decorators(str(entry["content"]))
    if decorators:
        parts["decorators"] = decorators
        entry["content"] = content
    return parts


def restore_entry(entry: dict[str, object]) -> None:
    """Bring back what ``as_v2`` put away of an entry of the lorebook; changes ``entry``."""
    parts = _taken_out(entry)
    for name in ("use_regex", "id"):
        if name in parts:
            entry.setdefault(name, parts[name])
    decorators, content = parts.get("decorators"), entry.get("content")
    if isinstance(decorators, str) and isinstance(content, str):
        entry["content"] = decorators + content


def _split_decorators(content: str) -> tuple[str, str]:
    """Return the leading decorator lines with the newlines around them, and the rest."""
    rest = content.lstrip("\r\n")
    if not rest.startswith(_DECORATOR):
        return "", content
    while rest.startswith(_DECORATOR):
        _, _, rest = rest.partition("\n")
        rest = rest.lstrip("\r\n")
    return content[: len(content) - len(rest)], rest
