"""Text replacements of cards: when they apply, what they insert, and what stops them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import pytest

from services.persona.regex_scripts import (
    Applied,
    Placement,
    ScriptedText,
    Stage,
    apply_aside,
    apply_scripts,
    apply_to_each,
    read_scripts,
)


def scripts(*fields: Mapping[str, object]):
    shipped = {"scriptName": "s", "placement": [1, 2], "trimStrings": []}
    return read_scripts([{**shipped, **each} for each in fields])


def applied(
    text: str,
    *fields: Mapping[str, object],
    placement: Placement = Placement.AI_OUTPUT,
    stage: Stage = Stage.STORED,
    depth: int | None = None,
    macros=None,
) -> Applied:
    return apply_scripts(
        text, scripts(*fields), placement=placement, stage=stage, depth=depth, macros=macros
    )


def changed(text: str, *fields: Mapping[str, object], **how) -> str:
    result = applied(text, *fields, **how)
    assert not result.skipped
    return result.text


@pytest.mark.parametrize(
    ("find", "replacement", "expected"),
    [
        ("/a/g", "x", "xbx"),
        ("/a/", "x", "xba"),
        ("a", "x", "xba"),
        ("/A/gi", "<{{match}}>", "<a>b<a>"),
        ("/(?<first>a)(b)?/g", "$<first>$2.", "ab.a."),
        ("/b/", "$0$0$1$99$<none>", "abba"),
        ("/b/", "$&", "a$&a"),
        ("/$/g", "!", "aba!"),
        ("/(?:)/g", "-", "-a-b-a-"),
        ("/a/y", "x", "xba"),
        ("/b/y", "x", "aba"),
    ],
)
def test_replacing_follows_javascript(find: str, replacement: str, expected: str) -> None:
    assert changed("aba", {"findRegex": find, "replaceString": replacement}) == expected


def test_source_may_hold_slashes() -> None:
    assert changed("a/b", {"findRegex": "/a/b/g", "replaceString": "x"}) == "x"


def test_text_beyond_the_basic_plane_keeps_its_place() -> None:
    field = {"findRegex": "/x/g", "replaceString": "😀y"}
    assert changed("😀x😀x\ud83d", field) == "😀😀y😀😀y\ud83d"


def test_trim_strings_go_from_what_was_matched_only() -> None:
    field = {"findRegex": "/\\*(.+?)\\*/g", "replaceString": "[a $1]", "trimStrings": ["a", ""]}
    assert changed("*banana* a", field) == "[a bnn] a"


def test_macros_are_filled_in_after_inserting() -> None:
    def fill(text: str) -> str:
        return text.replace("{{char}}", "Mi.ra")

    field = {"findRegex": "/(hi)/", "replaceString": "$1 {{char}}"}
    assert changed("hi", field, macros=fill) == "hi Mi.ra"
    raw = {"findRegex": "/{{char}}/g", "replaceString": "X", "substituteRegex": 1}
    assert changed("Mi.ra Mixra", raw, macros=fill) == "X X"
    escaped = raw | {"substituteRegex": 2}
    assert changed("Mi.ra Mixra", escaped, macros=fill) == "X Mixra"
    literal = raw | {"findRegex": "/\\{\\{char\\}\\}/g", "substituteRegex": 0}
    assert changed("{{char}}", literal, macros=fill) == "X"


@pytest.mark.parametrize(
    ("flags", "stages"),
    [
        ({}, {Stage.STORED}),
        ({"runOnEdit": True}, {Stage.STORED, Stage.EDIT}),
        ({"markdownOnly": True}, {Stage.DISPLAY}),
        ({"promptOnly": True}, {Stage.PROMPT}),
        ({"markdownOnly": True, "promptOnly": True}, {Stage.DISPLAY, Stage.PROMPT}),
        ({"disabled": True, "promptOnly": True}, set()),
        ({"placement": [1]}, set()),
        ({"placement": []}, set()),
    ],
)
def test_script_applies_at_its_stages_only(flags: dict[str, object], stages: set[Stage]) -> None:
    field = {"findRegex": "/a/g", "replaceString": "x"} | flags
    assert {stage for stage in Stage if changed("a", field, stage=stage) == "x"} == stages


@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        ({}, {0, 1, 2, 3}),
        ({"minDepth": 2}, {2, 3}),
        ({"maxDepth": 1}, {0, 1}),
        ({"minDepth": 1, "maxDepth": 2}, {1, 2}),
        ({"minDepth": None, "maxDepth": -1}, {0, 1, 2, 3}),
        ({"minDepth": "3"}, {3}),
    ],
)
def test_depth_limits_count_from_the_newest(limits: dict[str, object], reached: set[int]) -> None:
    field = {"findRegex": "/a/", "replaceString": "x"} | limits
    assert {depth for depth in range(4) if changed("a", field, depth=depth) == "x"} == reached
    assert changed("a", field) == "x"


def test_scripts_run_in_the_order_of_the_card() -> None:
    first, second = (
        {"findRegex": "/a/", "replaceString": "b"},
        {"findRegex": "/b/", "replaceString": "c"},
    )
    assert changed("a", first, second) == "c"
    assert changed("a", second, first) == "b"


@pytest.mark.parametrize("find", ["/(/", "/a/gg", "/a/q", "("])
def test_broken_expression_leaves_the_text_and_is_named(find: str) -> None:
    result = applied("(a", {"findRegex": find, "replaceString": "x", "scriptName": "Broken"})
    assert result.text == "(a"
    assert [skip.script for skip in result.skipped] == ["Broken"]


def test_runaway_is_stopped_and_the_other_scripts_still_run() -> None:
    runaway = {"findRegex": "/^(a+)+$/", "replaceString": "", "scriptName": "Runaway"}
    good = {"findRegex": "/!/", "replaceString": "?"}
    began = time.perf_counter()
    result = applied("a" * 40 + "!", runaway, good)
    assert time.perf_counter() - began < 1
    assert result.text == "a" * 40 + "?"
    assert [skip.script for skip in result.skipped] == ["Runaway"]


def test_scripts_together_have_a_time_limit_and_the_rest_is_named() -> None:
    runaways = scripts(*({"findRegex": f"/^(a+)+{n}$/", "scriptName": str(n)} for n in range(200)))
    text = ScriptedText(text="a" * 40 + "!", placement=Placement.AI_OUTPUT)
    began = time.perf_counter()
    (result,) = apply_to_each([text], runaways, stage=Stage.STORED, seconds=0.3)
    assert time.perf_counter() - began < 2
    assert len(result.skipped) == 200
    assert result.skipped[-1].reason == "the scripts before it took too long together"


def test_one_bad_text_does_not_keep_a_script_from_the_others() -> None:
    texts = [
        ScriptedText(text=text, placement=Placement.USER_INPUT)
        for text in ("aaa", "a" * 40 + "!", "aa")
    ]
    found = apply_to_each(
        texts, scripts({"findRegex": "/^(a+)+$/", "replaceString": "x"}), stage=Stage.STORED
    )
    assert [each.text for each in found] == ["x", "a" * 40 + "!", "x"]
    assert [len(each.skipped) for each in found] == [0, 1, 0]


def test_bombs_do_not_grow_a_text_without_end() -> None:
    double = {"findRegex": "/[^]*/", "replaceString": "$0$0", "scriptName": "Bomb"}
    result = applied("a" * 1000, *([double] * 30))
    assert len(result.text) <= 1_000_000
    assert {skip.script for skip in result.skipped} == {"Bomb"}


def test_odd_values_are_read_leniently() -> None:
    (script,) = read_scripts(
        [{"id": 7, "findRegex": None, "placement": "2", "trimStrings": "a\nb", "disabled": "no",
          "minDepth": "x", "substituteRegex": 9}]
    )  # fmt: skip
    assert script.name == "7"
    assert script.trim == ("a", "b")
    assert not script.applies(Placement.AI_OUTPUT, Stage.STORED, None)


async def test_aside_leaves_the_loop_free() -> None:
    texts = [ScriptedText(text="a" * 40 + "!", placement=Placement.AI_OUTPUT)]
    script = scripts({"findRegex": "/^(a+)+$/", "replaceString": ""})
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.002)
            ticks += 1

    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(tick())
        (result,) = await apply_aside(texts, script, stage=Stage.STORED)
        ticking.cancel()
    assert result.skipped
    assert ticks >= 5
    assert await apply_aside(texts, script, stage=Stage.DISPLAY) == [Applied(text=texts[0].text)]
