"""Which keys match which text."""

from __future__ import annotations

import random

import pytest

from services.persona.lore.entry import Source
from tests.fakes.lore import Told, activated, book, entry, scan


@pytest.mark.parametrize(
    ("key", "text", "settings", "matches"),
    [
        ("dragon", "A Dragon!", {}, True),
        ("dragon", "A Dragon!", {"case_sensitive": True}, False),
        ("Dragon", "A Dragon!", {"case_sensitive": True}, True),
        ("dragon", "dragonfly", {}, False),
        ("dragon", "dragonfly", {"match_whole_words": False}, True),
        ("dragon", "dragon_fly", {}, False),
        ("dragon", "dragon2", {}, False),
        ("dragon", "dragon-fly", {}, True),
        ("dragon", "it is a dragonfly, a dragon", {}, True),
        ("red dragon", "a bored dragonfly", {}, True),
        ("c++", "c++.", {}, True),
        ("c++", "c++x", {}, False),
        ("龙", "这条龙很大", {}, True),
        ("дом", "домик", {}, True),
        ("cafe", "cafés", {}, False),
        ("caf", "café", {}, True),
        ("龙", "x龙", {}, False),
        ("é", "né", {}, False),
        ("İ", "i̇stanbul", {"match_whole_words": False}, True),
        ("ΟΔΟΣ", "η οδος", {}, True),
        ("ΟΔΟΣ", "η οδος", {"case_sensitive": True}, False),
        (" dragon ", "a dragon", {}, True),
        (" ", "anything", {}, True),
        ("", "anything", {}, False),
        ("\u00a0", "anything", {}, True),
        ("Ann", "hello", {}, True),
        ("Ann", "hello", {"include_names": False}, False),
        ("Ann: hello", "  hello", {}, False),
        ("hello", "hello  ", {}, True),
    ],
)
def test_plain_keys(key, text, settings, matches):
    assert activated(scan([entry(1, key)], text, **settings)) == [1] * matches


@pytest.mark.parametrize(
    ("key", "text", "matches"),
    [
        ("/drag(on|net)/", "a dragnet", True),
        ("/DRAGON/", "a dragon", False),
        ("/DRAGON/i", "a dragon", True),
        ("/^Ann/", "hello", False),
        ("/^Ann/m", "hello", False),
        ("/Ann/y", "hello", False),
        ("/\\x01Ann: h/", "hello", True),
        ("/a.b/s", "a\nb", True),
        ("/a.b/", "a\nb", False),
        ("/\\p{Lu}ö/u", "sagt Hören Äö", True),
        ("/(?<=red )dragon/", "red dragon", True),
        ("/a/b/", "see a/b/", False),
        ("/a/b/", "see /a/b/", True),
        ("/a\\/b/", "see a/b", True),
        ("/(/", "see (", False),
        ("/(/", "see /(/", True),
        ("/dragon/x", "a dragon", False),
        ("/dragon/x", "a /dragon/x there", True),
        ("/dragon/gg", "a dragon", False),
        ("/dragon/v", "a dragon", False),
        (" /dragon/ ", "a dragon", True),
        ("/😀{2}/u", "😀😀", True),
        ("/hello$/", "hello", True),
    ],
)
def test_regex_keys(key, text, matches):
    assert activated(scan([entry(1, key)], text)) == [1] * matches


def test_a_regex_sees_messages_newest_first_with_a_mark_between():
    keys = [entry(1, "/new[\\s\\S]*old/"), entry(2, "/old[\\s\\S]*new/"), entry(3, "/\\n\\x01Ann/")]
    assert activated(scan(keys, "old", "new")) == [1, 3]


def test_messages_are_trimmed_once_the_name_is_before_them():
    keys = ["/ok$/", "/Ann:   ok/", "/\\x01Ann/", "/\\x01ok/"]
    listed = [entry(n, key) for n, key in enumerate(keys)]
    assert activated(scan(listed, "  ok \n")) == [0, 1, 2]
    assert activated(scan(listed, "  ok \n", include_names=False)) == [0, 3]


def test_regexes_ignore_the_settings_of_plain_keys():
    strict = {"caseSensitive": True, "matchWholeWords": True}
    assert activated(scan([entry(1, "/RAG/i", **strict)], "dragon")) == [1]


@pytest.mark.parametrize(
    ("own", "settings", "matches"),
    [
        ({"caseSensitive": True}, {}, False),
        ({"caseSensitive": False}, {"case_sensitive": True}, True),
        ({"caseSensitive": None}, {"case_sensitive": True}, False),
        ({"matchWholeWords": False}, {}, True),
    ],
)
def test_an_entry_s_own_rules_win(own, settings, matches):
    text = "dragonfly" if "matchWholeWords" in own else "dragon"
    key = "dragon" if "matchWholeWords" in own else "Dragon"
    assert activated(scan([entry(1, key, **own)], text, **settings)) == [1] * matches


def test_macros_in_keys_are_filled_in_before_they_are_compared():
    books = [book(entry(1, "{{user}}"), entry(2, "/<BOT>!/"), entry(3, "{{nothing}}"))]
    told = Told(books, {"include_names": False})
    known = {"{{user}}": "Zoe", "/<BOT>!/": "/Kim!/", "{{nothing}}": ""}
    result = told.scan("Zoe met Kim!", expand=lambda text: known.get(text, text))
    assert activated(result) == [1, 2]


def test_a_macro_may_become_an_invalid_regex_which_is_plain_text():
    told = Told([book(entry(1, "{{user}}"))], {"include_names": False})
    assert activated(
        told.scan("oh /(/ my", expand=lambda text: text.replace("{{user}}", "/(/"))
    ) == [1]


@pytest.mark.parametrize(
    ("depth", "own", "found"),
    [
        (1, None, []),
        (2, None, [1]),
        (2, 1, []),
        (1, 2, [1]),
        (0, None, []),
        (0, 2, [1]),
        (2, 0, []),
    ],
)
def test_scan_depth_counts_messages_from_the_newest(depth, own, found):
    result = scan([entry(1, "dragon", scanDepth=own)], "dragon", "hello", scan_depth=depth)
    assert activated(result) == found


def test_depth_zero_sees_neither_injected_nor_activated_text():
    entries = [
        entry(1, constant=True, content="dragon"),
        entry(2, "dragon", scanDepth=0),
        entry(3, "omen", scanDepth=0),
        entry(4, " ", scanDepth=0),
        entry(5, "omen"),
    ]
    result = Told([book(*entries)]).scan("hello", injected=["omen"])
    assert activated(result) == [1, 4, 5]


@pytest.mark.parametrize("source", list(Source))
def test_sources_are_searched_only_for_entries_that_ask(source):
    names = {
        Source.PERSONA_DESCRIPTION: "matchPersonaDescription",
        Source.CHARACTER_DESCRIPTION: "matchCharacterDescription",
        Source.PERSONALITY: "matchCharacterPersonality",
        Source.DEPTH_PROMPT: "matchCharacterDepthPrompt",
        Source.SCENARIO: "matchScenario",
        Source.CREATOR_NOTES: "matchCreatorNotes",
    }
    entries = [
        entry(1, "omen", **{names[source]: True}),
        entry(2, "omen"),
        entry(3, "/OMEN/i", **{names[source]: True}),
    ]
    assert activated(Told([book(*entries)]).scan("hi", sources={source: "an omen"})) == [1, 3]


@pytest.mark.parametrize(
    ("logic", "text", "matches"),
    [
        (0, "key a", True),
        (0, "key", False),
        (1, "key a", True),
        (1, "key a b", False),
        (1, "key", True),
        (2, "key", True),
        (2, "key b", False),
        (3, "key a b", True),
        (3, "key a", False),
    ],
)
def test_secondary_logic(logic, text, matches):
    entries = [entry(1, "key", keysecondary=["a", "b"], selectiveLogic=logic)]
    assert activated(scan(entries, text, include_names=False)) == [1] * matches


def test_secondary_keys_need_a_primary_and_count_only_when_selective():
    entries = [
        entry(1, keysecondary=["a"]),
        entry(2, "key", keysecondary=["missing"], selective=False),
        entry(3, "key", keysecondary=[]),
        {"uid": 4, "key": ["key"], "keysecondary": ["missing"], "content": "x"},
    ]
    assert activated(scan(entries, "key a")) == [2, 3, 4]


@pytest.mark.parametrize(("logic", "matches"), [(0, False), (1, True), (2, True), (3, False)])
def test_an_empty_secondary_key_never_matches(logic, matches):
    entries = [entry(1, "key", keysecondary=[""], selectiveLogic=logic)]
    assert activated(scan(entries, "key")) == [1] * matches


def test_constants_and_vectors_need_no_key():
    entries = [entry(1, constant=True), entry(2, "never"), entry(3, "never")]
    result = Told([book(*entries)]).scan("hi", vectorized=frozenset({("book", "3")}))
    assert {one.uid: one.reason for one in result.activated} == {1: "constant", 3: "vector"}


def test_the_same_request_gives_the_same_result():
    entries = [entry(n, "key", probability=50, group="g" * (n % 2)) for n in range(40)]

    def once() -> list[object]:
        return activated(Told([book(*entries)]).scan("key", rng=random.Random(7)))

    assert once() == once()
