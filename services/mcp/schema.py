"""The JSON schema of a tool from outside: cut to what a model needs, and checked against.

What remains has no references and no patterns, so checking takes time in proportion to it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

LONGEST_SCHEMA = 6_000
"""Characters a tool's schema may take of a prompt, as JSON."""

_DEEPEST = 6
_MOST_NODES = 150
_MOST_CHOICES = 50
_LONGEST_TEXT = 200
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
_NAMED = {"integer": "a whole number", "array": "a list", "null": "nothing"}


def cleaned(schema: object) -> dict[str, Any]:
    """Return what of an input schema is kept; anything is accepted where too much is lost."""
    top = schema if isinstance(schema, Mapping) else {}
    for texts in (True, False):
        kept = _Cleaning(top, texts=texts).node(top, 0)
        kept["type"] = "object"
        kept.setdefault("properties", {})
        if len(json.dumps(kept)) <= LONGEST_SCHEMA:
            return kept
    return {"type": "object", "properties": {}}


class _Cleaning:
    """Copies what is known of a schema, following references into it."""

    def __init__(self, top: Schema, *, texts: bool) -> None:
        self._top = top
        self._texts = texts
        self._left = _MOST_NODES

    def node(self, schema: object, depth: int) -> dict[str, Any]:
        self._left -= 1
        found = self._followed(schema)
        if not isinstance(found, Mapping) or depth > _DEEPEST or self._left < 0:
            return {}
        kept: dict[str, Any] = {}
        kinds = found.get("type")
        listed = kinds if isinstance(kinds, list) else [kinds]
        known = [kind for kind in listed if isinstance(kind, str) and kind in _TYPES]
        if known:
            kept["type"] = known if len(known) > 1 else known[0]
        for key in (*_NUMBERS, *_LENGTHS):
            value = found.get(key)
            if isinstance(value, int | float) and _is_short(value) and not isinstance(value, bool):
                kept[key] = value
        self._add_texts(found, kept)
        self._add_choices(found, kept)
        self._add_parts(found, kept, depth)
        return kept

    def _followed(self, schema: object) -> object:
        for _ in range(_DEEPEST):
            if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
                return schema
            at: object = self._top
            path = schema["$ref"]
            if not path.startswith("#/"):
                return {}
            for step in path[2:].split("/"):
                name = step.replace("~1", "/").replace("~0", "~")
                at = at.get(name) if isinstance(at, Mapping) else None
            schema = at
        return {}

    def _add_texts(self, found: Schema, kept: dict[str, Any]) -> None:
        text = found.get("description")
        if self._texts and isinstance(text, str) and text.strip():
            kept["description"] = " ".join(text[:_LONGEST_TEXT].split())

    def _add_choices(self, found: Schema, kept: dict[str, Any]) -> None:
        choices = found.get("enum", [found["const"]] if "const" in found else None)
        few = isinstance(choices, list) and 0 < len(choices) <= _MOST_CHOICES
        if few and all(_is_short(choice) for choice in choices):
            kept["enum"] = list(choices)
        if "default" in found and _is_short(found["default"]):
            kept["default"] = found["default"]

    def _add_parts(self, found: Schema, kept: dict[str, Any], depth: int) -> None:
        parts = found.get("properties")
        if isinstance(parts, Mapping):
            kept["properties"] = {
                name: self.node(part, depth + 1)
                for name, part in list(parts.items())[:_MOST_NODES]
                if isinstance(name, str) and len(name) <= _LONGEST_TEXT
            }
        needed = found.get("required")
        if isinstance(needed, list):
            known = kept.get("properties", {})
            kept["required"] = [name for name in needed if isinstance(name, str) and name in known]
        if found.get("additionalProperties") is False:
            kept["additionalProperties"] = False
        if isinstance(found.get("items"), Mapping):
            kept["items"] = self.node(found["items"], depth + 1)
        variants = found.get("anyOf", found.get("oneOf"))
        if isinstance(variants, list) and 0 < len(variants) <= _MOST_CHOICES:
            kept["anyOf"] = [self.node(variant, depth + 1) for variant in variants]


def mismatch(schema: Schema, value: object, where: str = "") -> str | None:
    """Return why ``value`` does not fit a cleaned schema, in a sentence's middle; ``None`` if so.

    ``where`` names the value.
    """
    name = where or "the arguments"
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(_is_a(value, kind) for kind in kinds):
        return f"{name} has to be {' or '.join(_NAMED.get(kind, f'a {kind}') for kind in kinds)}"
    if "enum" in schema and not any(_same(value, choice) for choice in schema["enum"]):
        return f"{name} has to be one of {json.dumps(schema['enum'])[:_LONGEST_TEXT]}"
    variants = schema.get("anyOf", [])
    if variants and all(mismatch(variant, value, where) for variant in variants):
        return f"{name} fits none of the forms allowed"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _outside(schema, value, name)
    if isinstance(value, str):
        return _too_long_or_short(schema, "Length", value, name)
    if isinstance(value, list):
        return _too_long_or_short(schema, "Items", value, name) or _first(
            mismatch(schema.get("items", {}), item, f"{where}[{number}]")
            for number, item in enumerate(value)
        )
    if isinstance(value, dict):
        return _in_object(schema, value, where)
    return None


def _in_object(schema: Schema, value: Mapping[str, object], where: str) -> str | None:
    parts = schema.get("properties", {})
    prefix = f"{where}." if where else ""
    for needed in schema.get("required", []):
        if needed not in value:
            return f"{prefix}{needed} is missing"
    if schema.get("additionalProperties") is False:
        for name in value:
            if name not in parts:
                return f"there is no {prefix}{name[:_LONGEST_TEXT]}"
    return _first(
        mismatch(part, value[name], f"{prefix}{name}")
        for name, part in parts.items()
        if name in value
    )


def _outside(schema: Schema, value: float, name: str) -> str | None:
    if value < schema.get("minimum", value):
        return f"{name} has to be at least {schema['minimum']}"
    if value > schema.get("maximum", value):
        return f"{name} has to be at most {schema['maximum']}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        return f"{name} has to be above {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        return f"{name} has to be below {schema['exclusiveMaximum']}"
    return None


def _too_long_or_short(schema: Schema, what: str, value: Sequence[Any], name: str) -> str | None:
    if len(value) < schema.get(f"min{what}", 0):
        return f"{name} is too short"
    if len(value) > schema.get(f"max{what}", len(value)):
        return f"{name} is too long"
    return None


def _first(problems: Any) -> str | None:  # noqa: ANN401
    return next((problem for problem in problems if problem is not None), None)


def _is_a(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _same(value: object, choice: object) -> bool:
    return value == choice and isinstance(value, bool) == isinstance(choice, bool)


def _is_short(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    if isinstance(value, float):
        return math.isfinite(value)  # JSON has no word for others
    return value is None or isinstance(value, bool | int)
