"""Order, places, filters, decorators and what the result says."""

from __future__ import annotations

import pytest

from services.persona.lore.books import card_lorebook, read_book
from tests.fakes.lore import Told, activated, book, chat, entry, scan, skipped, uids


def test_higher_orders_come_lower_and_equal_ones_in_reverse():
    entries = [entry(1, constant=True, order=5), entry(2, constant=True), entry(3, constant=True)]
    result = scan(entries, "x")
    assert activated(result) == [2, 3, 1]
    assert uids(result.before) == [1, 3, 2]
    assert result.texts().before == "content 1\ncontent 3\ncontent 2"


def test_of_equal_orders_what_was_activated_later_comes_higher():
    entries = [entry(1, "second"), entry(2, "first", content="second"), entry(3, "first")]
    result = scan(entries, "first")
    assert activated(result) == [2, 3, 1]
    assert uids(result.before) == [1, 3, 2]


def test_the_entries_of_a_card_stand_by_their_ids_not_by_their_place():
    listed: list[dict[str, object]] = [
        {"id": uid, "keys": [], "constant": True, "content": "x", "insertion_order": 1}
        for uid in (10, "b", 2, "a", 2)
    ]
    for entry_of_card in listed:
        entry_of_card["position"] = "before_char"
    result = Told([card_lorebook({"entries": listed}, name="c")]).scan("x")
    assert activated(result) == [2, 2, 10, "b", "a"]
    assert uids(result.before) == ["a", "b", 10, 2, 2]


def test_every_position_has_its_place():
    entries = [
        entry(n, constant=True, position=n, outletName="shelf" if n == 7 else "") for n in range(8)
    ]
    entries += [entry(8, constant=True, position=7), entry(9, constant=True, position=42)]
    entries += [entry(10, constant=True, content="")]
    result = scan(entries, "x")
    assert len(result.activated) == 11
    assert (uids(result.before), uids(result.after)) == ([0], [1])
    assert {name: uids(its) for name, its in result.other.items()} == {
        "ANTop": [2],
        "ANBottom": [3],
        "EMTop": [5],
        "EMBottom": [6],
        "outlet": [7],
    }
    texts = result.texts()
    assert texts.outlets == {"shelf": "content 7"}
    assert texts.at_depth == ((4, 0, "content 4"),)
    assert (texts.note_top, texts.examples_top) == ("content 2", ("content 5",))


def test_depth_blocks_go_from_the_top_down():
    entries = [
        entry(n, constant=True, position=4, depth=depth, role=role)
        for n, (depth, role) in enumerate([(0, 0), (0, 1), (0, 2), (4, 0), (4, 0)])
    ]
    blocks = scan(entries, "x").at_depth
    assert [(block.depth, block.role, uids(block.entries)) for block in blocks] == [
        (4, 0, [4, 3]),
        (0, 2, [2]),
        (0, 1, [1]),
        (0, 0, [0]),
    ]


@pytest.mark.parametrize(
    ("strategy", "order"),
    [(0, [1, 9, 4, 2, 3, 5]), (1, [1, 9, 2, 3, 4, 5]), (2, [1, 9, 4, 5, 2, 3])],
)
def test_strategies(strategy, order):
    books = [
        book(entry(4, constant=True, order=90), entry(5, constant=True, order=10), name="g"),
        book(
            entry(2, constant=True, order=50),
            entry(3, constant=True, order=20),
            name="c",
            scope="character",
        ),
        book(entry(9, constant=True, order=1), name="p", scope="persona"),
        book(entry(1, constant=True, order=2), name="chat", scope="chat"),
    ]
    assert activated(Told(books, {"strategy": strategy}).scan("x")) == order


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"names": ["Mira"]}, [1]),
        ({"names": ["Orin"]}, []),
        ({"names": ["Mira"], "isExclude": True}, []),
        ({"names": ["Orin"], "isExclude": True}, [1]),
        ({"tags": ["sea"]}, [1]),
        ({"tags": ["land"]}, []),
        ({"tags": ["sea"], "isExclude": True}, []),
        ({"names": ["Mira"], "tags": ["land"]}, []),
        ({"names": [], "tags": []}, [1]),
        (None, [1]),
    ],
)
def test_character_filters(wanted, found):
    entries = [entry(1, constant=True, characterFilter=wanted)]
    result = Told([book(*entries)]).scan(
        "x", character_names=frozenset({"Mira"}), character_tags=frozenset({"sea"})
    )
    assert activated(result) == found


@pytest.mark.parametrize(
    ("triggers", "trigger", "found"),
    [([], "swipe", [1]), (["swipe"], "swipe", [1]), (["normal", "quiet"], "swipe", [])],
)
def test_triggers(triggers, trigger, found):
    result = Told([book(entry(1, constant=True, triggers=triggers))]).scan("x", trigger=trigger)
    assert activated(result) == found


def test_reasons_name_what_happened():
    entries = [
        entry(1, "key", content="two"),
        entry(2, "two"),
        entry(3, "key", disable=True),
        entry(4, "key", keysecondary=["missing"]),
        entry(5, "nowhere", disable=True),
    ]
    result = scan(entries, "key")
    assert [(one.uid, one.reason, one.step) for one in result.activated] == [
        (1, "key 'key'", 1),
        (2, "key 'two'", 2),
    ]
    assert skipped(result) == {3: "disabled", 4: "secondary keys"}


@pytest.mark.parametrize(
    ("content", "found", "text"),
    [
        ("@@activate\nlore", [1], "lore"),
        ("@@dont_activate\nlore", [], None),
        ("@@unknown 3\n@@@depth 4\nlore", [2], "lore"),
        ("@@unknown\n@@@activate\nlore", [1], "lore"),
        ("@@activate\n@@@dont_activate\nlore", [1], "lore"),
        ("@@activate_only_after 3\nlore", [2], "lore"),
        ("@@depth 0\n@@role user\nlore", [2], "lore"),
        ("lore\n@@activate", [2], "lore\n@@activate"),
    ],
)
def test_sillytavern_knows_two_decorators_and_strips_the_rest(content, found, text):
    entries = [entry(1, "never", content=content), entry(2, "key", content=content)]
    result = scan(entries, "key")
    assert found == [] or activated(result)[-1:] == [2]
    assert (1 in activated(result)) == (1 in found)
    assert (2 in activated(result)) == bool(found)
    assert {one.content for one in result.activated} == ({text} if found else set())
    assert not result.at_depth


def v3(content: str, *keys: str, texts=("key",), **more):
    """Scan with all decorators; the entry has one plain key."""
    entries = [entry(1, *(keys or ("key",)), content=content)]
    return Told([book(*entries)], {"decorators": "v3"}).scan(*texts, **more)


@pytest.mark.parametrize(
    ("content", "texts", "found"),
    [
        ("@@activate_only_after 1\n\nx", ["key"], []),
        ("@@activate_only_after 1\nx", ["a", "b", "key"], [1]),
        ("@@activate_only_every 2\nx", ["a", "b", "key"], []),
        ("@@activate_only_every 2\nx", ["a", "b", "c", "d", "key"], [1]),
        ("@@additional_keys a,b\nx", ["key"], []),
        ("@@additional_keys a,b\nx", ["key b"], [1]),
        ("@@additional_keys a\n@@additional_keys b\nx", ["key b"], []),
        ("@@exclude_keys a,b\nx", ["key b"], []),
        ("@@scan_depth 1\nx", ["key", "other"], []),
        ("@@is_greeting 1\nx", ["key"], [1]),
        ("@@nonsense 1\n@@@more\n@@@even\n@@@yet\n@@@dont_activate\nx", ["key"], []),
        ("@@depth 3\n@@@dont_activate\nx", ["key"], [1]),
        ("@@activate_only_after nonsense\n@@@dont_activate\nx", ["key"], []),
        ("@@dont_activate\n@@activate\nx", ["other"], [1]),
        ("@@scan_depth 2\n@@scan_depth 1\nx", ["key", "other"], [1]),
    ],
)
def test_v3_decorators_decide_who_takes_part(content, texts, found):
    assert activated(v3(content, texts=texts)) == found


def test_v3_greetings_count_when_they_are_known():
    assert activated(v3("@@is_greeting 1\nx", greeting=0)) == []
    assert activated(v3("@@is_greeting 1\nx", greeting=1)) == [1]


@pytest.mark.parametrize(
    ("content", "block"),
    [
        ("@@depth 3\n@@role assistant\nx", (3, 2)),
        ("@@reverse_depth 1\nx", (1, 0)),
        ("@@reverse_depth 9\nx", (0, 0)),
        ("@@reverse_depth 1\n@@depth 2\nx", (2, 0)),
    ],
)
def test_v3_decorators_move_entries_to_depths(content, block):
    result = v3(content, texts=["key", "key"])
    assert [(one.depth, one.role, one.text) for one in result.at_depth] == [(*block, "x")]


def test_v3_positions_win_over_depths():
    assert uids(v3("@@depth 2\n@@position after_desc\nx").after) == [1]
    result = v3("@@position scenario\n@@depth 2\nx")
    assert uids(result.other["scenario"]) == [1]
    assert result.texts().sections == {"scenario": "x"}
    assert v3("@@disable_ui_prompt system_prompt\nx").disabled_prompts == {"system_prompt"}


def test_v3_matches_are_remembered():
    keep = Told(
        [book(entry(1, "key", content="@@keep_activate_after_match\nx"))], {"decorators": "v3"}
    )
    once = Told(
        [book(entry(1, "key", content="@@dont_activate_after_match\nx"))], {"decorators": "v3"}
    )
    assert activated(keep.scan("other")) == []
    assert activated(keep.scan("other", "key")) == [1]
    assert activated(keep.scan("other", "key", "a", "b", "c")) == [1]
    assert activated(once.scan("key")) == [1]
    assert activated(once.scan("key", "key")) == []


def test_v3_entries_that_yield_to_the_context_come_last():
    entries = [
        entry(1, constant=True, order=900, content="@@ignore_on_max_context\n" + "x" * 40),
        entry(2, constant=True, content="y" * 40),
    ]
    result = Told([book(*entries)], {"decorators": "v3", "budget": 15}).scan("hi")
    assert activated(result) == [2]


V3_BOOK = {
    "spec": "lorebook_v3",
    "data": {
        "entries": [
            {"keys": ["key"], "content": "@@depth 2\nx", "enabled": True, "insertion_order": 1}
        ]
    },
}


@pytest.mark.parametrize(
    ("settings", "depths"),
    [({}, [2]), ({"decorators": "auto"}, [2]), ({"decorators": "sillytavern"}, [])],
)
def test_files_that_say_they_are_v3_are_read_by_its_rules(settings, depths):
    told = Told([read_book(V3_BOOK, name="v3"), book(entry(1, "key", content="@@depth 3\nx"))])
    told.settings = settings
    result = told.scan("key")
    assert len(result.activated) == 2
    assert [block.depth for block in result.at_depth] == depths


def v3_book(*entries, **fields):
    """A V3 book; every entry has the key ``key`` and stands before the character."""
    listed = [
        {"keys": ["key"], "content": "y" * 8, "position": "before_char", "id": uid, **one}
        for uid, one in enumerate(entries)
    ]
    return read_book({"spec": "lorebook_v3", "data": {"entries": listed, **fields}}, name="v3")


def test_a_v3_book_keeps_to_its_own_budget_and_drops_the_lowest_priority_first():
    own = v3_book({"priority": 1}, {"priority": 5}, {"priority": 3}, {}, token_budget=4)
    result = Told([own, book(entry(9, "key", content="z" * 80))]).scan("key")
    assert set(activated(result)) == {1, 2, 9}
    assert skipped(result) == {0: "budget of the book", 3: "budget of the book"}


def test_what_a_v3_book_s_budget_cuts_wakes_nothing_and_stays_out():
    own = v3_book({"content": "omen"}, {"content": "sign " * 5}, token_budget=2)
    others = book(entry(7, "omen", content="more"), entry(8, "sign"), entry(9, "more"))
    assert activated(Told([own, others]).scan("key")) == [0, 7, 9]


def test_a_v3_book_s_budget_counts_by_v3_s_rules_only():
    own = v3_book({}, {}, token_budget=2)
    assert activated(Told([own], {"decorators": "sillytavern"}).scan("key")) == [0, 1]
    assert activated(Told([own], {"decorators": "v3"}).scan("key")) == [0]


@pytest.mark.parametrize(
    ("fields", "one", "texts", "found"),
    [
        ({"scan_depth": 1}, {}, ["key", "other"], []),
        ({"scan_depth": 3}, {}, ["key", "a", "b"], [0]),
        ({"scan_depth": 1}, {"extensions": {"scan_depth": 2}}, ["key", "other"], [0]),
        ({}, {"case_sensitive": True}, ["Key"], []),
        ({}, {"case_sensitive": True, "extensions": {"case_sensitive": False}}, ["Key"], [0]),
        ({"recursive_scanning": False}, {"keys": ["omen"]}, ["wake"], []),
        ({"recursive_scanning": True}, {"keys": ["omen"]}, ["wake"], [0]),
        ({}, {"keys": ["omen"]}, ["wake"], [0]),
    ],
)
def test_what_v3_books_ask_for_holds(fields, one, texts, found):
    waking = book(entry(9, "wake", content="omen"))
    result = Told([v3_book(one, **fields), waking]).scan(*texts)
    assert [uid for uid in activated(result) if uid != 9] == found


def test_nothing_is_there_without_books():
    result = Told([]).scan("x")
    assert (result.activated, result.tokens, result.passes) == ((), 0, 1)
    assert chat() == []
