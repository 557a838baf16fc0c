"""Conversations given as JSON: turns, patches and lines that cannot be answered."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from services.persona.lore.conversation import scan_lines
from services.persona.lore.scanner import LoreScanner
from tests.fakes.lore import entry


def answer(*requests: object) -> list[dict[str, Any]]:
    """Scan these lines."""
    lines = [line if isinstance(line, str) else json.dumps(line) for line in requests]
    return list(
        scan_lines(
            iter(lines),
            scanner=LoreScanner(),
            rng=lambda: random.Random(1),
            now=datetime(2026, 1, 1, tzinfo=UTC),
            count_tokens=lambda: len,
        )
    )


def request(*turns: object, entries=(), settings=None) -> dict[str, object]:
    """A request with one book."""
    book = {"name": "w", "scope": "global", "entries": {str(e["uid"]): e for e in entries}}
    return {"id": "r", "books": [book], "settings": settings or {}, "turns": list(turns)}


def said(text: str, **more: object) -> dict[str, object]:
    return {"chat": [{"name": "Ann", "role": "user", "content": text}], **more}


def before(answers) -> list[list[object]]:
    return [turn["before"] for turn in answers[0]["turns"]]


def test_an_answer_has_the_documented_shape():
    entries = [
        entry(1, "key", comment="One"),
        entry(2, "key", position=4, depth=2, role=2),
        entry(3, "key", position=2),
        entry(4, "key", disable=True),
    ]
    settings = {"tokens": "chars4", "budget": 500}
    (got,) = answer(request(said("key"), entries=entries, settings=settings))
    assert got == {
        "id": "r",
        "turns": [
            {
                "activated": [
                    {
                        "book": "w",
                        "uid": uid,
                        "comment": comment,
                        "position": position,
                        "depth": depth,
                        "role": role,
                        "order": 100,
                        "reason": "key 'key'",
                    }
                    for uid, comment, position, depth, role in (
                        (1, "One", 0, 4, 0),
                        (2, "", 4, 2, 2),
                        (3, "", 2, 4, 0),
                    )
                ],
                "before": [1],
                "after": [],
                "at_depth": [{"depth": 2, "role": 2, "uids": [2]}],
                "other": {"ANTop": [3]},
                "skipped": [{"book": "w", "uid": 4, "reason": "disabled"}],
                "tokens": 8,
            }
        ],
    }


def test_timed_effects_last_over_turns_but_not_over_requests():
    two = [{"name": "A", "role": "user", "content": "key"}, {"name": "B", "content": "x"}]
    wanted = request(
        said("key"), {"chat": two[:1] + two[1:]}, entries=[entry(1, "key", sticky=3, scanDepth=1)]
    )
    other = request({"chat": two}, entries=[entry(1, "key", sticky=3, scanDepth=1)])
    answers = answer(wanted, other)
    assert before(answers) == [[1], [1]]
    assert before(answers[1:]) == [[]]


@pytest.mark.parametrize(
    "patch",
    [
        {"settings": {"match_whole_words": False}},
        {"match_whole_words": False},
        {"entries": {"w": {"1": {"matchWholeWords": False}}}},
        {"entries": {"1": {"matchWholeWords": False}}},
        {"entries": [{"uid": 1, "matchWholeWords": False}]},
        {"books": {"w": {"entries": {"1": {"matchWholeWords": False}}}}},
        {"books": [{"name": "w", "entries": {"1": {"matchWholeWords": False}}}]},
        {"w": {"1": {"matchWholeWords": False}}},
        {"1": {"matchWholeWords": False}},
        {"book": "w", "uid": 1, "matchWholeWords": False},
        [{"uid": 1, "set": {"matchWholeWords": False}}],
        {"uid": 1, "field": "matchWholeWords", "value": False},
        {"edit": {"uid": 1, "matchWholeWords": False}},
        {"book": "w", "entries": {"1": {"matchWholeWords": False}}},
        {"world": "w", "entries": [{"uid": 1, "matchWholeWords": False}]},
        {"books": [{"name": "w", "entries": [{"uid": 1, "matchWholeWords": False}]}]},
    ],
)
def test_patches_are_merged_and_stay(patch):
    turns = [said("keyed"), said("keyed", patch=patch), said("keyed")]
    assert before(answer(request(*turns, entries=[entry(1, "key")]))) == [[], [1], [1]]


def test_patches_add_and_remove():
    turns = [
        said("key", patch={"entries": {"w": {"1": None, "5": entry(5, "key")}}}),
        said(
            "key", patch={"books": [{"name": "new", "scope": "chat", "entries": [entry(6, "key")]}]}
        ),
    ]
    assert before(answer(request(*turns, entries=[entry(1, "key")]))) == [[5], [5, 6]]


def test_a_patch_of_one_book_leaves_the_same_id_elsewhere_alone():
    books = [
        {"name": name, "scope": scope, "entries": {"1": entry(1, "key")}}
        for name, scope in (("w", "global"), ("v", "chat"))
    ]
    turns = [said("key", patch={"book": "v", "entries": {"1": {"disable": True}}})]
    (got,) = answer({"id": 1, "books": books, "turns": turns})
    assert [one["book"] for one in got["turns"][0]["activated"]] == ["w"]


def test_books_that_share_a_name_are_changed_alike():
    books = [
        {"name": "w", "scope": scope, "entries": {"1": entry(1, "key")}}
        for scope in ("global", "chat")
    ]
    for patch in ({"1": {"disable": True}}, {"w": {"1": {"disable": True}}}):
        turns = [said("key"), said("key", patch=patch)]
        assert before(answer({"id": 1, "books": books, "turns": turns})) == [[1, 1], []]


def test_a_book_called_like_a_setting_can_be_changed():
    books = [{"name": "user", "entries": {"1": entry(1, "key")}}]
    turns = [said("key", patch={"user": {"1": {"disable": True}}})]
    assert before(answer({"id": 1, "books": books, "turns": turns})) == [[]]


def test_a_new_entry_needs_no_book_where_there_is_only_one():
    turns = [said("key", patch={"9": entry(9, "key")})]
    assert before(answer(request(*turns, entries=[entry(1, "no")]))) == [[9]]


@pytest.mark.parametrize(
    ("patch", "sentence"),
    [
        ({"7": {"content": "x"}, "8": {}}, "'8', which is no book and no entry"),
        ({"entries": {"7": {}}}, "'7', which is no book and no entry"),
        ({"book": "moon", "uid": 1, "content": "x"}, "'moon', unknown here"),
        ({"1": {"content": "x"}, "w": {"1": 5}}, "The entry has to be an object"),
        ({"books": 5}, "have to be a list"),
        ({"books": [5]}, "The book has to be an object"),
        ({"w": {"entries": 5}}, "The entries have to be an object"),
        ({"entries": 5}, "The entries have to be an object"),
        ({"settings": 5}, "The settings have to be an object"),
        ({"w": {str(n): entry(n) for n in range(5_001)}}, "more than 5,000 entries"),
        ("x", "A patch has to be an object"),
    ],
)
def test_a_patch_that_cannot_be_understood_is_refused(patch, sentence):
    (got,) = answer(request(said("key", patch=patch), entries=[entry(1, "key")]))
    assert sentence in got["error"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "not valid JSON"),
        ("[]", "has to be an object"),
        ({"id": 3, "books": 5}, "have to be lists"),
        ({"id": 3, "books": [{"name": "w", "scope": "moon", "entries": {}}]}, "scope 'moon'"),
        ({"id": 3, "books": [{"name": "w"}]}, "no entries"),
        ({"id": 3, "books": [], "turns": [{"chat": 3}]}, "list of messages"),
        ({"id": 3, "turns": [{"chat": ["x"]}]}, "Message 1"),
        ({"id": 3, "settings": {"strategy": 9}, "turns": [{"chat": []}]}, "strategy"),
        ({"id": 3, "turns": [{"chat": [], "patch": 4}]}, "patch"),
        ("[" * 100_000, "not valid JSON"),
        ({"id": 3, "settings": [1]}, "settings have to be an object"),
    ],
)
def test_a_bad_line_is_answered_and_the_rest_goes_on(line, sentence):
    bad, good = answer(line, request(said("key"), entries=[entry(1, "key")]))
    assert sentence in bad["error"]
    assert bad["id"] == (3 if isinstance(line, dict) else None)
    assert good["turns"][0]["before"] == [1]


def test_numbers_that_are_none_do_not_leave_again():
    line = '{"id": 1e999, "books": [{"name": "w", "entries": {"0": {"uid": 1e999, "constant": true,'
    line += ' "content": "x", "order": NaN}}}], "turns": [{"chat": []}]}'
    (got,) = answer(line)
    assert got["id"] is None
    assert before([got]) == [[0]]
    assert json.dumps(got, allow_nan=False)


def test_names_of_the_settings_fill_macros():
    entries = [entry(1, "{{user}}", content="{{char}}!!"), entry(2, "kim")]
    settings = {"user": "Zoe", "char": "Kim"}
    assert before(answer(request(said("Zoe?"), entries=entries, settings=settings))) == [[2, 1]]
