"""Schemas from outside: cut to a sane size, and checked without their own patterns."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from services.mcp.arguments import arguments_model
from services.mcp.schema import LONGEST_SCHEMA, cleaned, mismatch

SHOP = cleaned(
    {
        "type": "object",
        "properties": {
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "size": {"enum": ["small", "large"]},
            "names": {"type": "array", "items": {"type": "string", "maxLength": 5}},
            "at": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        },
        "required": ["count"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    "arguments",
    [
        {"count": 1},
        {"count": 9.0, "size": "large", "names": ["a", "b"], "at": None, "share": 0.5},
    ],
)
def test_what_fits_is_taken(arguments: dict[str, object]):
    assert arguments_model(SHOP).model_validate(arguments).model_dump() == arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "count is missing"),
        ({"count": "1"}, "count has to be a whole number"),
        ({"count": True}, "count has to be a whole number"),
        ({"count": 10}, "count has to be at most 9"),
        ({"count": 0}, "count has to be at least 1"),
        ({"count": 1, "size": "huge"}, 'size has to be one of ["small", "large"]'),
        ({"count": 1, "names": "a"}, "names has to be a list"),
        ({"count": 1, "names": ["a", "abcdef"]}, "names[1] is too long"),
        ({"count": 1, "at": 3}, "at fits none of the forms allowed"),
        ({"count": 1, "share": 1}, "share has to be below 1"),
        ({"count": 1, "share": 0}, "share has to be above 0"),
        ({"count": 1, "other": 1}, "there is no other"),
    ],
)
def test_what_does_not_fit_is_named(arguments: dict[str, object], words: str):
    with pytest.raises(ValidationError, match="Value error") as refused:
        arguments_model(SHOP).model_validate(arguments)
    assert words in str(refused.value)


def test_a_model_sees_the_servers_schema():
    assert arguments_model(SHOP).model_json_schema() == SHOP


def test_references_are_followed_into_the_schema_and_nowhere_else():
    kept = cleaned(
        {
            "properties": {
                "a": {"$ref": "#/$defs/n"},
                "b": {"$ref": "http://127.0.0.1:1/steal"},
                "c": {"$ref": "#/$defs/missing"},
            },
            "$defs": {"n": {"type": "integer"}},
        }
    )
    assert kept["properties"] == {"a": {"type": "integer"}, "b": {}, "c": {}}


def test_a_schema_that_contains_itself_ends():
    again = {"type": "object", "properties": {"x": {"$ref": "#"}, "y": {"$ref": "#/properties/y"}}}
    assert mismatch(cleaned(again), {"x": {"x": {}}, "y": 1}) is None


def test_references_that_double_at_every_step_do_not_blow_up():
    steps: dict[str, object] = {
        f"s{n}": {"anyOf": [{"$ref": f"#/$defs/s{n + 1}"}] * 40} for n in range(40)
    }
    kept = cleaned({"properties": {"x": {"$ref": "#/$defs/s0"}}, "$defs": steps})
    assert len(json.dumps(kept)) <= LONGEST_SCHEMA


def test_a_pattern_that_takes_for_ever_is_not_kept():
    kept = cleaned({"properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}})
    assert kept["properties"] == {"x": {"type": "string"}}


def test_an_enormous_schema_is_cut_to_size():
    wide = {
        "properties": {f"p{n}": {"type": "string", "description": "x" * 500} for n in range(400)}
    }
    assert len(json.dumps(cleaned(wide))) <= LONGEST_SCHEMA
    long_names = {"properties": {f"{'p' * 190}{n}": {"type": "string"} for n in range(140)}}
    assert cleaned(long_names) == {"type": "object", "properties": {}}


@pytest.mark.parametrize("nonsense", [None, [], "x", {"properties": []}, {"type": 7, "enum": "x"}])
def test_nonsense_accepts_anything(nonsense: object):
    assert mismatch(cleaned(nonsense), {"any": "thing"}) is None


def test_required_names_that_are_not_described_are_not_asked_for():
    assert cleaned({"properties": {"a": {}}, "required": ["a", "b", 3]})["required"] == ["a"]


def test_numbers_that_json_has_no_word_for_are_not_kept():
    odd = {"type": "number", "minimum": float("nan"), "maximum": float("inf")}
    odd |= {"default": float("nan"), "enum": [float("inf")]}
    kept = cleaned({"properties": {"a": odd}})
    json.dumps(kept, allow_nan=False)
    assert kept["properties"]["a"] == {"type": "number"}


@pytest.mark.parametrize("arguments", [{"a": "\ud800"}, {"\udfff": 1}, {"a": ["\ud800"]}])
def test_halves_of_characters_are_not_sent_to_a_server(arguments):
    with pytest.raises(ValidationError):
        arguments_model({"type": "object", "properties": {}}).model_validate(arguments)
