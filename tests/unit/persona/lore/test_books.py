"""Reading and writing lorebooks."""

from __future__ import annotations

import json

import pytest

from services.domain.errors import InvalidRequest
from services.persona.lore.books import (
    as_character_book,
    as_json,
    as_sillytavern,
    as_v3,
    card_lorebook,
    edited,
    read_book,
    read_book_file,
)
from services.persona.lore.entry import BookForm, Scope, Source

WORLD = {
    "entries": {
        "10": {"uid": 10, "key": ["b"], "content": "B", "x_own": {"deep": [1, None]}},
        "2": {"uid": 2, "key": ["a"], "keysecondary": None, "content": "A", "order": "7"},
        "extra": {"key": ["c"], "content": "C"},
    },
    "x_book": [1],
}
CARD_BOOK = {
    "name": "Card book",
    "scan_depth": 3,
    "recursive_scanning": False,
    "x_book": True,
    "extensions": {"x_ext": 1},
    "entries": [
        {
            "id": "seven",
            "keys": ["a"],
            "secondary_keys": ["z"],
            "content": "A",
            "enabled": True,
            "insertion_order": 30,
            "selective": True,
            "use_regex": True,
            "case_sensitive": True,
            "position": "before_char",
            "x_entry": "kept",
            "extensions": {"position": 4, "depth": 2, "role": 1, "selectiveLogic": 3, "x": [1]},
        },
        {"keys": ["b"], "content": "B", "enabled": False, "insertion_order": 1, "extensions": {}},
    ],
}


def test_world_entries_come_in_the_order_of_an_object_with_ids_as_written():
    book = read_book(WORLD, name="w")
    assert [entry.uid for entry in book.entries] == [2, 10, "extra"]
    first = book.entries[0]
    assert (first.order, first.secondary_keys, first.selective, first.use_probability) == (
        7,
        (),
        False,
        False,
    )


def test_card_entries_keep_sillytavern_s_fields_in_extensions():
    book = card_lorebook(CARD_BOOK, name="c")
    first, second = book.entries
    assert (book.scope, book.name, book.recursive_scanning) == (Scope.CHARACTER, "Card book", False)
    assert (first.uid, first.position, first.depth, first.role, first.logic) == (
        "seven",
        4,
        2,
        1,
        3,
    )
    assert (first.case_sensitive, first.use_probability, first.disabled) == (None, True, False)
    assert (second.uid, second.position, second.disabled, second.selective) == (1, 1, True, False)


@pytest.mark.parametrize(
    ("value", "field", "expected"),
    [
        ({"delayUntilRecursion": True}, "delay_until_recursion", 1),
        ({"delayUntilRecursion": "3"}, "delay_until_recursion", 3),
        ({"delayUntilRecursion": "true"}, "delay_until_recursion", 1),
        ({"delayUntilRecursion": False}, "delay_until_recursion", 0),
        ({"delayUntilRecursion": None}, "delay_until_recursion", 0),
        ({"constant": "true"}, "constant", True),
        ({"disable": "false"}, "disabled", False),
        ({"key": None}, "keys", ()),
        ({"key": "a, b"}, "keys", ("a", "b")),
        ({"key": ["a", 5, None]}, "keys", ("a", "5")),
        ({"scanDepth": None}, "scan_depth", None),
        ({"scanDepth": "5"}, "scan_depth", 5),
        ({"role": None}, "role", 0),
        ({"role": "assistant"}, "role", 2),
        ({"position": "2"}, "position", 2),
        ({"sticky": None}, "sticky", 0),
        ({"probability": "50"}, "probability", 50),
        ({"groupWeight": 0}, "group_weight", 0),
        ({"matchScenario": True}, "sources", frozenset({Source.SCENARIO})),
        ({"triggers": ["Normal"]}, "triggers", frozenset({"normal"})),
        ({"content": None}, "content", ""),
        ({"groupWeight": 10**400}, "group_weight", 2**63),
        ({"depth": -(10**400)}, "depth", -(2**63)),
        ({"scanDepth": 1e308}, "scan_depth", 2**63),
        ({"uid": float("inf")}, "uid", 0),
        ({"uid": float("nan")}, "uid", 0),
        ({"uid": 1.5}, "uid", 1.5),
    ],
)
def test_types_are_read_as_they_were_meant(value, field, expected):
    assert getattr(read_book({"entries": [value]}, name="w").entries[0], field) == expected


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (WORLD, BookForm.SILLYTAVERN),
        (CARD_BOOK, BookForm.CARD),
        ({"spec": "lorebook_v3", "data": CARD_BOOK}, BookForm.LOREBOOK_V3),
        ({"spec": "chara_card_v3", "data": {"character_book": CARD_BOOK}}, BookForm.CARD),
    ],
)
def test_unknown_fields_and_everything_else_survive_their_own_form(raw, form):
    book = read_book(json.loads(json.dumps(raw)), name="w")
    assert book.form is form
    if form is BookForm.SILLYTAVERN:
        assert as_sillytavern(book) == raw
    else:
        inner = raw.get("data", raw)
        assert as_character_book(book) == inner.get("character_book", inner)


def test_unknown_fields_survive_the_way_through_the_other_form():
    card = json.loads(as_json(as_v3(read_book(WORLD, name="w"))))
    entry = next(one for one in card["data"]["entries"] if one["id"] == 10)
    assert entry["extensions"]["x_own"] == {"deep": [1, None]}
    assert card["data"]["extensions"]["x_book"] == [1]
    world = json.loads(as_json(as_sillytavern(read_book(CARD_BOOK, name="c"))))
    assert world["entries"]["seven"]["x_entry"] == "kept"
    assert world["entries"]["seven"]["extensions"] == {"x": [1]}
    assert world["x_book"] is True


def test_entries_mean_the_same_after_a_change_of_form():
    book = read_book(CARD_BOOK, name="c")
    again = read_book(as_sillytavern(book), name="c")
    there_and_back = read_book(as_v3(again), name="c")
    names = ("keys", "content", "position", "depth", "role", "order", "logic", "disabled")
    meanings = [
        {entry.uid: [getattr(entry, name) for name in names] for entry in one.entries}
        for one in (book, again, there_and_back)
    ]
    assert meanings[0] == meanings[1] == meanings[2]


def test_entries_with_one_id_are_all_written():
    book = read_book(
        {"entries": [{"uid": 1, "content": "a"}, {"uid": 1, "content": "b"}]}, name="w"
    )
    assert [*json.loads(as_json(as_sillytavern(book)))["entries"]] == ["1", "0"]


def test_an_edit_changes_one_entry_and_keeps_the_rest():
    book = read_book(WORLD, name="w")
    changed = edited(edited(book, {"10": {"content": "new"}}), {"2": None})
    assert [(entry.uid, entry.content) for entry in changed.entries] == [
        (10, "new"),
        ("extra", "C"),
    ]
    assert changed.entries[0].raw["x_own"] == {"deep": [1, None]}
    assert edited(book, {"99": {"key": ["z"]}}).entries[-1].uid == 99


def test_edits_cannot_make_a_book_larger_than_one_may_be():
    book = read_book(WORLD, name="w")
    added = {str(uid): {"key": ["z"]} for uid in range(100, 103)}
    assert len(edited(book, added, most_entries=6).entries) == 6
    with pytest.raises(InvalidRequest) as refused:
        edited(book, added, most_entries=5)
    assert "more than 5 entries" in refused.value.user_message


def test_agnai_books():
    raw = {
        "kind": "memory",
        "name": "Agnai",
        "entries": [
            {"name": "Sea", "entry": "salt", "keywords": ["sea"], "weight": 3, "enabled": True},
            {"name": "Off", "entry": "x", "keywords": ["y"], "weight": 1, "enabled": False},
        ],
    }
    book = read_book(raw, name="file")
    assert (book.name, book.form) == ("Agnai", BookForm.AGNAI)
    assert [(e.comment, e.keys, e.content, e.order, e.disabled) for e in book.entries] == [
        ("Sea", ("sea",), "salt", 3, False),
        ("Off", ("y",), "x", 1, True),
    ]


def test_kobold_stories_and_world_info_with_folders():
    story = {
        "worldinfo": [
            {"key": "sea, salt", "keysecondary": "", "keyanti": "lake", "content": "wet"},
            {"key": "a", "keysecondary": "b", "selective": True, "content": "x", "constant": True},
        ]
    }
    first, second = read_book(story, name="k").entries
    assert (first.keys, first.secondary_keys, first.logic) == (("sea", "salt"), ("lake",), 2)
    assert (second.secondary_keys, second.logic, second.constant) == (("b",), 0, True)
    folders = {
        "folders": {"root": [0]},
        "entries": {
            "0": {"uid": 0, "title": "T", "key": ["x"], "keysecondary": [], "content": "c"}
        },
    }
    assert read_book(folders, name="k").entries[0].comment == "T"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "no entries"),
        (b'{"entries": 5}', "no entries"),
        (b'{"entries": {"1": 5}}', "entry 1 is not an object"),
        (b'{"entries": [' + b",".join([b"{}"] * 6) + b"]}", "more than 5 entries"),
        (b'{"wi": [' + b",".join([b"{}"] * 6) + b"]}", "more than 5 entries"),
        (b"[" * 100_000, "cannot be used"),
    ],
)
def test_what_is_no_lorebook_is_refused_with_one_sentence(content, problem):
    with pytest.raises(InvalidRequest) as refused:
        read_book_file(content, name="w.json", most_entries=5)
    sentence = refused.value.user_message
    assert problem in sentence
    assert sentence.startswith("The lorebook w.json ")
    assert sentence.count(". ") == 0
