"""Characters in the JSON of other programs: ooba and CAI, Agnai."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.persona.cards.leniency import as_text

_OOBA = {
    "char_name": "name",
    "char_persona": "description",
    "char_greeting": "first_mes",
    "world_scenario": "scenario",
    "example_dialogue": "mes_example",
}
_PLAIN = {"context": "description", "greeting": "first_mes", "definition": "mes_example"}
_AGNAI_TEXTS = {
    "name": "name",
    "scenario": "scenario",
    "greeting": "first_mes",
    "sampleChat": "mes_example",
    "description": "creator_notes",
    "systemPrompt": "system_prompt",
    "postHistoryInstructions": "post_history_instructions",
    "creator": "creator",
    "characterVersion": "character_version",
    "alternateGreetings": "alternate_greetings",
    "tags": "tags",
    "extensions": "extensions",
}
_AGNAI_KINDS = ("character", "library-character")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """A card made from another program's JSON, and which program that is."""

    card: dict[str, object]
    origin: str


def adapt(root: dict[str, object]) -> Adapted | None:
    """Return the V1 or V2 card that ``root`` amounts to; ``None`` if the form is not known."""
    inner = root.get("character")
    if isinstance(inner, dict) and "name" in inner and "greeting" in inner:
        return Adapted(card=_renamed(inner, _PLAIN), origin="CAI")
    if _is_agnai(root):
        return Adapted(card=_from_agnai(root), origin="Agnai")
    if any(isinstance(root.get(name), str) for name in _OOBA):
        return Adapted(card=_renamed(root, _OOBA | _PLAIN), origin="ooba or CAI")
    named = "first_mes" not in root and isinstance(root.get("name"), str)
    if named and any(isinstance(root.get(name), str) for name in _PLAIN):
        return Adapted(card=_renamed(root, _PLAIN), origin="ooba or CAI")
    return None


def _renamed(root: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    card = dict(root)
    for theirs, ours in names.items():
        if isinstance(card.get(theirs), str) and not card.get(ours):
            card[ours] = card.pop(theirs)
    card.setdefault("first_mes", "")
    return card


def _is_agnai(root: Mapping[str, object]) -> bool:
    return isinstance(root.get("persona"), dict) or (
        root.get("kind") in _AGNAI_KINDS and ("greeting" in root or "sampleChat" in root)
    )


def _from_agnai(root: Mapping[str, object]) -> dict[str, object]:
    data: dict[str, object] = {
        ours: root[theirs] for theirs, ours in _AGNAI_TEXTS.items() if root.get(theirs) is not None
    }
    data["description"] = _persona(root.get("persona"))
    extensions = data.get("extensions")
    extensions = dict(extensions) if isinstance(extensions, dict) else {}
    insert = root.get("insert")
    if isinstance(insert, dict) and insert.get("prompt"):
        extensions.setdefault("depth_prompt", {"role": "system", **insert})
    book = root.get("characterBook")
    if isinstance(book, dict):
        data["character_book"] = agnai_book(book)
    mapped = {*_AGNAI_TEXTS, "persona", "insert", "characterBook"}
    rest = {name: value for name, value in root.items() if name not in mapped}
    if rest:
        extensions.setdefault("agnai", rest)
    data["extensions"] = extensions
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": data}


def _persona(persona: object) -> str:
    """Return an Agnai persona as text: free text as it is, attributes one a line."""
    if not isinstance(persona, dict):
        return as_text(persona)
    attributes = persona.get("attributes")
    if not isinstance(attributes, dict):
        return as_text(attributes)
    if persona.get("kind") == "text" or set(attributes) == {"text"}:
        return as_text(attributes.get("text"))
    lines = []
    for name, values in attributes.items():
        traits = map(as_text, values) if isinstance(values, list) else [as_text(values)]
        lines.append(f"{name}: {', '.join(traits)}")
    return "\n".join(lines)


def agnai_book(book: Mapping[str, object]) -> dict[str, object]:
    """Return an Agnai memory book as a card's lorebook; fields it has no place for stay."""
    entries = book.get("entries")
    rest = {name: value for name, value in book.items() if name not in {"kind", "entries"}}
    return {
        **rest,
        "entries": [
            _agnai_entry(entry)
            for entry in (entries if isinstance(entries, list) else [])
            if isinstance(entry, dict)
        ],
    }


def _agnai_entry(entry: Mapping[str, object]) -> dict[str, object]:
    names = {"entry": "content", "keywords": "keys", "weight": "insertion_order"}
    return {names.get(name, name): value for name, value in entry.items()}
