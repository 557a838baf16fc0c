"""Backyard archives (``.byaf``, schema version 1): one character and its scenarios.

The form is described at https://github.com/ahoylabs/byaf.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.persona.cards.jsontree import parse
from services.persona.cards.leniency import as_mapping, as_text
from services.persona.cards.limits import CardProblem

MANIFEST = "manifest.json"
_PLACEHOLDER = re.compile(r"(?<!\{)#?\{(character|user)\}(?!\})", re.IGNORECASE)
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_USED_OF_CHARACTER = frozenset(
    {"name", "displayName", "persona", "createdAt", "updatedAt", "loreItems", "images"}
)
_USED_OF_SCENARIO = frozenset({"messages", "exampleMessages", "firstMessages"})


def byaf_card(files: Mapping[str, bytes]) -> dict[str, object]:
    """Return the V3 card the archive amounts to; pictures are named by their archive path.

    The first scenario gives scenario, first message, examples and instructions; first messages of
    the others become alternate greetings. Chats are left out. Raises ``CardProblem`` when the
    manifest or the character is missing.
    """
    manifest = _object(files, MANIFEST)
    paths = [path for path in _listed(manifest.get("characters")) if isinstance(path, str)]
    if not paths:
        raise CardProblem("card_missing_json", "the archive names no character")
    character = _object(files, paths[0])
    scenarios = [
        _object(files, path)
        for path in _listed(manifest.get("scenarios"))
        if isinstance(path, str) and path in files
    ]
    data: dict[str, object] = {
        **_identity(character),
        **_story(scenarios),
        "creator": as_text(as_mapping(manifest.get("author")).get("name")),
        "tags": ["nsfw"] if character.get("isNSFW") is True else [],
        "creation_date": _seconds(character.get("createdAt")),
        "modification_date": _seconds(character.get("updatedAt")),
        "assets": _assets(character, scenarios, folder=paths[0].rpartition("/")[0]),
        "extensions": {"byaf": _rest(manifest, character, scenarios)},
    }
    if items := _listed(character.get("loreItems")):
        data["character_book"] = {"extensions": {}, "entries": _entries(items)}
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}


def _identity(character: Mapping[str, object]) -> dict[str, object]:
    short = as_text(character.get("name"))
    full = as_text(character.get("displayName")) or short
    identity: dict[str, object] = {
        "name": full,
        "description": _with_macros(character.get("persona")),
    }
    return {**identity, "nickname": short} if short and short != full else identity


def _story(scenarios: Sequence[Mapping[str, object]]) -> dict[str, object]:
    first = scenarios[0] if scenarios else {}
    greetings = [_greeting(scenario) for scenario in scenarios]
    opening = greetings[0] if greetings else ""
    examples = (
        f"<START>\n{_with_macros(as_mapping(example).get('text'))}"
        for example in _listed(first.get("exampleMessages"))
    )
    others = dict.fromkeys(text for text in greetings[1:] if text and text != opening)
    return {
        "scenario": _with_macros(first.get("narrative")),
        "system_prompt": _with_macros(first.get("formattingInstructions")),
        "first_mes": opening,
        "mes_example": "\n".join(examples),
        "alternate_greetings": list(others),
    }


def _greeting(scenario: Mapping[str, object]) -> str:
    messages = _listed(scenario.get("firstMessages"))
    return _with_macros(as_mapping(messages[0]).get("text")) if messages else ""


def _entries(items: Sequence[object]) -> list[object]:
    entries: list[object] = []
    for number, item in enumerate(map(as_mapping, items)):
        keys = [key.strip() for key in as_text(item.get("key")).split(",")]
        entries.append(
            {
                "keys": [key for key in keys if key],
                "content": _with_macros(item.get("value")),
                "enabled": True,
                "insertion_order": number,
                "id": number,
                "use_regex": False,
                "extensions": {},
            }
        )
    return entries


def _assets(
    character: Mapping[str, object], scenarios: Sequence[Mapping[str, object]], *, folder: str
) -> list[object]:
    assets: list[object] = []
    for number, image in enumerate(map(as_mapping, _listed(character.get("images")))):
        path, label = as_text(image.get("path")), as_text(image.get("label"))
        if path.lower().endswith(_PICTURES):
            name = "main" if number == 0 else label or f"icon {number + 1}"
            assets.append(_asset("icon", f"{folder}/{path}", name))
    for number, scenario in enumerate(scenarios):
        path = as_text(scenario.get("backgroundImage"))
        if path.lower().endswith(_PICTURES):
            full = path if path.startswith("scenarios/") else f"scenarios/{path}"
            assets.append(_asset("background", full, "main" if number == 0 else f"{number + 1}"))
    return assets


def _asset(kind: str, path: str, name: str) -> dict[str, object]:
    ext = path.rpartition(".")[2].lower()
    return {"type": kind, "uri": f"embeded://{path}", "name": name, "ext": ext}


def _rest(
    manifest: Mapping[str, object],
    character: Mapping[str, object],
    scenarios: Sequence[Mapping[str, object]],
) -> dict[str, object]:
    def without(source: Mapping[str, object], used: frozenset[str]) -> dict[str, object]:
        return {name: value for name, value in source.items() if name not in used}

    return {
        "manifest": dict(manifest),
        "character": without(character, _USED_OF_CHARACTER),
        "scenarios": [without(scenario, _USED_OF_SCENARIO) for scenario in scenarios],
    }


def _object(files: Mapping[str, bytes], path: str) -> Mapping[str, object]:
    if path not in files:
        raise CardProblem("card_missing_json", f"the archive lacks {path[:80]}")
    return as_mapping(parse(files[path]))


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _with_macros(value: object) -> str:
    """Return the text with Backyard's placeholders as the card's own."""

    def macro(match: re.Match[str]) -> str:
        return "{{user}}" if match[1].lower() == "user" else "{{char}}"

    return _PLACEHOLDER.sub(macro, as_text(value))


def _seconds(value: object) -> int:
    """Return the Unix time of an ISO 8601 date; 0 when it is unknown."""
    try:
        return int(datetime.fromisoformat(as_text(value)).timestamp())
    except (ValueError, OverflowError, OSError):
        return 0
