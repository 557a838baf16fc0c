"""Tool calls that come in pieces."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.llm.byte_lines import MalformedLine
from services.llm.openai_calls import MAX_CALLS, MAX_CHARACTERS, CallPieces

Piece = Mapping[str, object]


def piece(
    arguments: object = "", *, index: int | None = None, name: str = "", call: str = ""
) -> Piece:
    function: dict[str, object] = {"arguments": arguments}
    if name:
        function["name"] = name
    written: dict[str, object] = {"function": function}
    if index is not None:
        written["index"] = index
    if call:
        written |= {"id": call, "type": "function"}
    return written


def read(pieces: Sequence[Piece], *, cut: bool = False) -> list[tuple[str, object, str]]:
    calls = CallPieces()
    for each in pieces:
        calls.take([each])
    return [(call.name, call.arguments, call.id) for call in calls.finished(cut=cut)]


SEARCH = ("search", {"q": "a } b", "n": 1}, "one")
PLAY = ("play", {"title": "x"}, "two")
SEARCH_JSON, PLAY_JSON = json.dumps(SEARCH[1]), json.dumps(PLAY[1])

TABLE: dict[str, tuple[Sequence[Piece], list[tuple[str, object, str]]]] = {
    "whole": ([piece(SEARCH_JSON, index=0, name="search", call="one")], [SEARCH]),
    "arguments as an object": (
        [piece({"title": "x"}, index=0, name="play", call="two")],
        [PLAY],
    ),
    "id only in the first piece": (
        [piece(index=0, name="search", call="one"), *(piece(c, index=0) for c in SEARCH_JSON)],
        [SEARCH],
    ),
    "interleaved": (
        [
            piece(index=0, name="search", call="one"),
            piece(index=1, name="play", call="two"),
            piece(SEARCH_JSON[:5], index=0),
            piece(PLAY_JSON[:4], index=1),
            piece(SEARCH_JSON[5:], index=0),
            piece(PLAY_JSON[4:], index=1),
        ],
        [SEARCH, PLAY],
    ),
    "no index, told apart by id": (
        [
            piece(SEARCH_JSON[:5], name="search", call="one"),
            piece(SEARCH_JSON[5:]),
            piece(PLAY_JSON, name="play", call="two"),
        ],
        [SEARCH, PLAY],
    ),
    "no index and no id, whole calls": (
        [piece(SEARCH_JSON, name="search"), piece(PLAY_JSON, name="play")],
        [("search", SEARCH[1], ""), ("play", PLAY[1], "")],
    ),
    "whole calls that all have index 0": (
        [
            piece(SEARCH_JSON, index=0, name="search", call="one"),
            piece(PLAY_JSON, index=0, name="play", call="two"),
        ],
        [SEARCH, PLAY],
    ),
    "whole calls that all have index 0 and no id": (
        [piece(PLAY_JSON, index=0, name="play"), piece(PLAY_JSON, index=0, name="play")],
        [("play", PLAY[1], ""), ("play", PLAY[1], "")],
    ),
    "name and id repeated in every piece": (
        [piece(c, index=0, name="search", call="one") for c in (SEARCH_JSON[:7], SEARCH_JSON[7:])]
        + [piece("", index=0, name="search", call="one")],
        [SEARCH],
    ),
    "no arguments": ([piece("", index=0, name="stop", call="x")], [("stop", {}, "x")]),
    "null arguments": ([piece(None, index=0, name="stop", call="x")], [("stop", {}, "x")]),
    "repaired": (
        [piece("{'title': 'x',", index=0, name="play", call="two")],
        [PLAY],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_pieces_become_the_calls_that_were_meant(name: str) -> None:
    pieces, calls = TABLE[name]
    assert read(pieces) == calls


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("nonsense", index=0, name="play")],
        [piece("[1]", index=0, name="play")],
        [piece("{}", index=0)],
        [piece(5, index=0, name="play")],
        [{"index": 0, "function": "play"}],
        ["play"],
    ],
)
def test_what_is_beyond_repair_is_malformed(pieces: Sequence[Piece]) -> None:
    with pytest.raises(MalformedLine):
        read(pieces)


def test_a_list_of_calls_that_is_no_list_is_malformed() -> None:
    with pytest.raises(MalformedLine):
        CallPieces().take({"name": "play"})


def test_a_call_cut_off_for_length_is_dropped_and_never_repaired_into_another() -> None:
    whole = piece(SEARCH_JSON, index=0, name="search", call="one")
    half = piece('{"path": "/home/me', index=1, name="delete", call="two")
    assert read([whole, half], cut=True) == [SEARCH]


def test_endless_arguments_are_bounded() -> None:
    with pytest.raises(MalformedLine):
        read([piece("x" * 100, index=0, name="play")] * MAX_CHARACTERS)


def test_endless_calls_are_bounded() -> None:
    with pytest.raises(MalformedLine):
        read([piece("{}", index=number, name="play") for number in range(MAX_CALLS + 1)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.text(max_size=8), JSON, max_size=4)


@st.composite
def cut_and_mixed(draw: st.DrawFn) -> tuple[list[Piece], list[tuple[str, object, str]]]:
    """Calls, and pieces of them: cut anywhere, interleaved in any way."""
    calls = draw(st.lists(ARGUMENTS, min_size=1, max_size=4))
    repeats = draw(st.booleans())
    queues: list[list[Piece]] = []
    for number, arguments in enumerate(calls):
        text = json.dumps(arguments, ensure_ascii=draw(st.booleans()))
        marks = draw(st.lists(st.integers(0, len(text)), max_size=6))
        marks = [0, *sorted(marks), len(text)]
        parts = [text[start:end] for start, end in itertools.pairwise(marks)]
        named = {"name": f"tool_{number}", "call": f"id_{number}"}
        queues.append(
            [
                piece(part, index=number, **(named if at == 0 or repeats else {}))
                for at, part in enumerate(parts)
            ]
        )
    pieces: list[Piece] = [queue.pop(0) for queue in queues]
    while left := [queue for queue in queues if queue]:
        pieces.append(draw(st.sampled_from(left)).pop(0))
    expected: list[tuple[str, object, str]] = [
        (f"tool_{number}", arguments, f"id_{number}") for number, arguments in enumerate(calls)
    ]
    return pieces, expected


@given(cut_and_mixed())
def test_any_cutting_and_mixing_gives_the_same_calls(
    case: tuple[list[Piece], list[tuple[str, object, str]]],
) -> None:
    pieces, expected = case
    assert read(pieces) == expected


@given(ARGUMENTS, st.lists(st.integers(0, 400), max_size=8))
def test_any_cutting_without_index_gives_the_same_call(
    arguments: dict[str, object], marks: list[int]
) -> None:
    text = json.dumps(arguments)
    cuts = [0, *sorted(min(mark, len(text)) for mark in marks), len(text)]
    parts = [text[start:end] for start, end in itertools.pairwise(cuts)]
    first, *rest = parts
    pieces = [piece(first, name="play", call="two"), *map(piece, rest)]
    assert read(pieces) == [("play", arguments, "two")]
