"""What every tool has to fulfil so that models can call it and people are safe."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from services.factory import ServiceFactory
from services.toolbox.selection import ToolSelection
from services.toolbox.spec import Cost, Effect
from services.toolbox.toolbox import schema_of
from tests.fakes.app import settings_in

pytestmark = pytest.mark.contract

CHANGES = re.compile(
    r"^(?:add|create|delete|remove|edit|change|set|cancel|clear|archive|assign|toggle|tick|update|unassign|snooze|write|post|send)_"
)


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("tools")
    switched_on = {"github": {"token": "ghp_" + "0" * 36}}
    return ServiceFactory(settings=settings_in(folder, **switched_on)).toolbox().all()


def test_there_are_many_and_no_two_share_a_name(tools):
    names = [tool.name for tool in tools]
    assert len(names) > 60
    assert len(set(names)) == len(names)


def test_names_are_those_that_every_provider_takes(tools):
    for tool in tools:
        assert re.fullmatch(r"[a-z][a-z0-9_]{2,63}", tool.name)
        assert re.fullmatch(r"[a-z][a-z0-9_]{1,30}", tool.area)


def test_descriptions_are_short_sentences(tools):
    for tool in tools:
        assert tool.description[0].isupper(), tool.name
        assert tool.description.endswith("."), tool.name
        assert len(tool.description) <= 220, tool.name


def test_schemas_are_small_objects_without_references_a_model_cannot_follow(tools):
    for tool in tools:
        schema = schema_of(tool).parameters
        assert schema["type"] == "object", tool.name
        assert len(json.dumps(schema)) <= 2_000, tool.name


def test_every_text_that_is_taken_has_an_end(tools):
    def texts(schema, defs):
        if "$ref" in schema:
            yield from texts(defs[schema["$ref"].rsplit("/", 1)[-1]], defs)
        if schema.get("type") == "string":
            yield schema
        for inner in schema.get("properties", {}).values():
            yield from texts(inner, defs)
        for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
            yield from texts(inner, defs)

    for tool in tools:
        schema = dict(schema_of(tool).parameters)
        for text in texts(schema, schema.get("$defs", {})):
            bounded = {"maxLength", "enum", "const", "pattern", "format"} & text.keys()
            assert bounded, f"{tool.name}: {text}"


def test_what_changes_something_says_so(tools):
    for tool in tools:
        if CHANGES.match(tool.name):
            assert tool.effect is not Effect.READ, tool.name


def test_each_is_found_by_its_own_name(tools):
    selection = ToolSelection()
    for tool in tools:
        asked = f"please {tool.name.replace('_', ' ')} {' '.join(tool.keywords[:2])}"
        fitting = selection.fitting(tools, asked, most=20)
        assert tool in fitting, tool.name


def test_small_talk_is_offered_none_of_them(tools):
    selection = ToolSelection()
    for said in (
        "Good morning!",
        "I love you",
        "How was your day?",
        "lol",
        "Tell me more about you",
    ):
        assert selection.fitting(tools, said, most=8) == [], said


def test_what_leaves_this_machine_costs_something_and_is_quoted(tools):
    outside = {"search", "weather", "github", "web"}
    for tool in tools:
        if tool.area in outside:
            assert tool.cost is not Cost.FREE, tool.name
            assert tool.untrusted, tool.name
        assert 0 < tool.timeout <= 120, tool.name
