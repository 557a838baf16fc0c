"""Rules of lore scans on generated books, chats and expressions."""

from __future__ import annotations

import contextlib
import json
import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.errors import InvalidRequest
from services.persona.javascript_literals import needed
from services.persona.javascript_regex import JavaScriptRegex, RegexEngine, Verdict
from services.persona.javascript_subset import translated
from services.persona.lore.books import as_json, as_sillytavern, read_book, read_book_file
from services.persona.lore.budget import chars4
from services.persona.lore.key_index import KeyIndex
from services.persona.lore.keys import KeyRules, plain_key
from services.persona.lore.scan_text import Piece
from tests.fakes.lore import Told, activated, book, entry

ENGINE = RegexEngine()
WORDS = [
    "sea",
    "see",
    "Sea",
    "ssea",
    "ΟΔΟΣ",
    "οδος",
    "straße",
    "İx",
    "龙",
    "x龙",
    "a b",
    "é",
    "\ud800",
    "_",
    "e",
]
words = st.sampled_from(WORDS) | st.text(min_size=1, max_size=4)
texts = st.lists(words, max_size=12).map(" ".join) | st.text(max_size=40)


@st.composite
def entries(draw: st.DrawFn) -> list[dict[str, object]]:
    listed = []
    for uid in range(draw(st.integers(1, 8))):
        fields = draw(
            st.fixed_dictionaries(
                {
                    "keysecondary": st.lists(words, max_size=2),
                    "selectiveLogic": st.integers(0, 3),
                    "order": st.sampled_from([1, 100, 100]),
                    "content": texts,
                    "constant": st.booleans(),
                    "position": st.integers(0, 7),
                    "group": st.sampled_from(["", "", "a", "a,b"]),
                    "probability": st.sampled_from([100, 50, 0]),
                    "excludeRecursion": st.booleans(),
                    "preventRecursion": st.booleans(),
                    "delayUntilRecursion": st.sampled_from([0, 0, True, 2]),
                    "scanDepth": st.sampled_from([None, 0, 1, 3]),
                    "sticky": st.sampled_from([None, 2]),
                    "cooldown": st.sampled_from([None, 2]),
                    "ignoreBudget": st.sampled_from([False, False, True]),
                    "useGroupScoring": st.sampled_from([None, True]),
                }
            )
        )
        listed.append(entry(uid, *draw(st.lists(words, max_size=3)), **fields))
    return listed


scan_settings = st.fixed_dictionaries(
    {
        "budget": st.integers(1, 60),
        "recursive": st.booleans(),
        "min_activations": st.integers(0, 4),
        "max_recursion_steps": st.integers(0, 3),
        "match_whole_words": st.booleans(),
        "case_sensitive": st.booleans(),
    }
)


@given(entries(), st.lists(texts, max_size=5), scan_settings, st.integers(0, 99))
def test_scans_repeat_and_keep_their_promises(listed, chat, wanted, seed):
    def once():
        told = Told([book(*listed)], wanted)
        return [told.scan(*chat[:n], rng=random.Random(seed)) for n in (1, len(chat))]

    first, again = once(), once()
    assert [activated(result) for result in first] == [activated(result) for result in again]
    by_uid = {one["uid"]: one for one in listed}
    for result in first:
        chosen = activated(result)
        assert len(set(chosen)) == len(chosen)
        assert not set(chosen) & {skip.uid for skip in result.skipped}
        placed = [*result.before, *result.after, *sum((b.entries for b in result.at_depth), ())]
        placed += [one for its in result.other.values() for one in its]
        assert {one.uid for one in placed} <= set(chosen)
        for step in range(1, result.passes + 1):
            bound = [
                one
                for one in result.activated
                if one.step == step and not by_uid[one.uid]["ignoreBudget"]
            ]
            # What reaches the budget is kept out, so each pass stays below it.
            assert (
                not bound or chars4("".join(f"{one.content}\n" for one in bound)) < wanted["budget"]
            )


@given(st.lists(words, max_size=30), texts, st.booleans(), st.booleans(), st.booleans())
def test_the_index_finds_what_a_loop_finds(keys, text, cased, whole, many):
    rules = KeyRules(cased=cased, whole_words=whole)
    further = [f"another {n:02}" for n in range(70)] if many else []
    read = [plain_key(key, rules, written=key) for key in [*keys, *further]]
    index = KeyIndex(read)
    found = index.found_in(Piece(f"\x01{text}"))
    assert {index.number(key) for key in read if _naively(key, f"\x01{text}")} == found


def _naively(key, text):
    searched = text if key.cased else text.lower()
    if not key.whole:
        return key.needle in searched
    return (
        re.search(rf"(?:^|[^A-Za-z0-9_]){re.escape(key.needle)}(?:\Z|[^A-Za-z0-9_])", searched)
        is not None
    )


def test_keys_that_contain_each_other_are_all_found_and_stay_cheap():
    rules = KeyRules(cased=False, whole_words=False)
    keys = [plain_key("a" * length, rules, written="") for length in range(1, 1500)]
    index = KeyIndex(keys)
    assert len(index.found_in(Piece("a" * 9_000))) == len(keys)
    whole = [
        plain_key("a" * n, KeyRules(cased=False, whole_words=True), written="")
        for n in range(1, 1500)
    ]
    index = KeyIndex(whole)
    assert index.found_in(Piece(f"{'a' * 9_000} {'a' * 700}")) == {index.number(whole[699])}


_atoms = st.sampled_from(
    [
        "a",
        "b",
        "Z",
        "0",
        "_",
        " ",
        "-",
        "\\.",
        "\\/",
        ".",
        "\\w",
        "\\W",
        "\\d",
        "\\s",
        "\\S",
        "\\b",
        "\\B",
        "[ab]",
        "[^ab]",
        "[a-z_]",
        "[\\w-]",
        "[\\d.]",
        "[^\\s]",
        "[A-Z0-9]",
        "\\n",
        "K",
        "\\x01",
    ]
)
_repeats = ["", "", "", "?", "??", "+", "*", "+?", "{2}", "{0,2}", "{1,}", "{0,}?", "{0}"]
_parts = st.builds(str.__add__, _atoms, st.sampled_from(_repeats)) | st.sampled_from(
    ["^", "$", "(?=a)", "(?!b+)", "(?<=a)", "(?<!ab)", "(?=a|^b)", "(?:ab)+", "(?:a|b)*", "(?:)"]
)
_sequences = st.lists(_parts, min_size=1, max_size=4).map("".join)
_sources = st.lists(_sequences, min_size=1, max_size=3).map(
    lambda parts: "|".join(parts)
) | st.builds(lambda a, b, c: f"{a}({b}|{c})?{a}", _sequences, _sequences, _sequences)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(_sources, st.sampled_from(["", "i", "s", "m", "is", "g", "u", "iu", "y", "my"])),
        max_size=20,
    ),
    st.text(alphabet="abzABZkK09_ -./\n\r\t\x01\x1c\x85", max_size=30),
)
def test_simple_expressions_mean_what_they_mean_on_v8(pairs, text):
    if not text.isascii():
        text = text.encode("ascii", "replace").decode()
    simple = [JavaScriptRegex(*pair) for pair in pairs if translated(*pair) is not None]
    answers = ENGINE._test_all([(regex, text) for regex in simple])
    for regex, verdict in zip(simple, answers, strict=True):
        pattern = translated(regex.source, regex.flags)
        assert pattern is not None
        found = Verdict.MATCH if pattern.search(text) else Verdict.NO_MATCH
        assert verdict is found, regex


_free_parts = st.builds(
    str.__add__,
    _atoms
    | st.sampled_from(
        [
            "s",
            "é",
            "ſ",
            "K",
            "\\u0061",
            "\\x61",
            "\\1",
            "\\0",
            "\\12",
            "(ab)",
            "(?<n>b)",
            "(a|b)",
            "(?:ab|)",
        ]
    ),
    st.sampled_from(_repeats),
)
_free_sources = st.lists(_free_parts, min_size=1, max_size=5).map("".join)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.lists(_free_sources, min_size=1, max_size=2).map("|".join),
            st.sampled_from(["", "i", "iu", "m", "u", "y"]),
        ),
        max_size=20,
    ),
    st.text(alphabet="abzABZkKsSéſK\u212a0_ -.\n\x01", max_size=12),
)
def test_a_match_has_what_the_expression_needs(pairs, text):
    regexes = [JavaScriptRegex(*pair) for pair in pairs]
    verdicts = ENGINE._test_all([(regex, text) for regex in regexes])
    for regex, verdict in zip(regexes, verdicts, strict=True):
        needs = needed(regex.source, regex.flags)
        if verdict is Verdict.MATCH and needs is not None:
            assert any(each in text.lower() for each in needs), (regex, needs)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            _free_sources | st.sampled_from(["(", "a)", "[b-a]", "(?<n>a)(?<n>b)", "ab{2,1}"]),
            st.sampled_from(["", "i", "iu", "m", "u", "y"]),
        ),
        max_size=20,
    ),
    st.text(alphabet="abzsKé0_ -/(.\n\x01", max_size=12),
)
def test_the_engine_says_what_v8_says(pairs, text):
    regexes = [JavaScriptRegex(*pair) for pair in pairs]
    texts = [text, *(str(regex) for regex in regexes)]
    checks = [(regex, each) for regex in regexes for each in texts]
    engine = RegexEngine()
    engine._context = ENGINE._context or ENGINE._made()
    verdicts = [engine.test([check])[0] for check in checks]
    for (regex, each), ours, v8 in zip(checks, verdicts, ENGINE._test_all(checks), strict=True):
        if ours is Verdict.NO_MATCH and v8 is Verdict.INVALID:
            assert str(regex).lower() not in each.lower()
        else:
            assert ours is v8, (regex, each)


def test_lower_case_is_javascript_s():
    letters = [
        chr(code)
        for code in range(0x110000)
        if not 0xD800 <= code < 0xE000 and chr(code).lower() != chr(code)
    ]
    samples = [*letters, "ΑΣ", "ΑΣ.", "ΑΣΑ", "Σ", "Α\u00adΣ", "ΑΣ\u0301", "İI"]
    source = "^(?:" + "|".join(["x"]) + ")$"
    assert ENGINE.test([(JavaScriptRegex(source), "x")]) == [Verdict.MATCH]
    context = ENGINE._context or ENGINE._made()
    lowered = context.call(
        f"JSON.stringify({json.dumps(samples)}.map(text => text.toLowerCase()))", seconds=None
    )
    assert [text.lower() for text in samples] == json.loads(lowered)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_FIELDS = [
    "uid",
    "key",
    "keysecondary",
    "content",
    "order",
    "position",
    "sticky",
    "group",
    "x",
    "id",
    "keys",
    "enabled",
    "insertion_order",
    "extensions",
    "characterFilter",
    "role",
    "depth",
    "scanDepth",
    "delayUntilRecursion",
    "triggers",
]
wild_entries = st.dictionaries(st.sampled_from(_FIELDS), json_values, max_size=8)
wild_books = st.fixed_dictionaries(
    {
        "entries": st.lists(wild_entries | json_values, max_size=4)
        | st.dictionaries(st.text(max_size=4), wild_entries, max_size=4)
    }
) | st.dictionaries(
    st.sampled_from(["entries", "data", "spec", "kind", "wi", "worldinfo", "folders", "name"]),
    json_values,
    max_size=4,
)


@given(wild_books)
def test_any_json_is_a_book_that_can_be_scanned_or_is_refused(raw):
    try:
        read = read_book_file(json.dumps(raw).encode(), name="wild")
    except InvalidRequest:
        return
    Told([read]).scan("hello")
    assert json.loads(as_json(as_sillytavern(read)))


@given(st.binary(max_size=200))
def test_bytes_are_a_book_or_refused(content):
    with contextlib.suppress(InvalidRequest):
        assert read_book_file(content, name="wild").name


@given(st.dictionaries(st.text(max_size=6), json_values, max_size=4), wild_entries)
def test_world_files_keep_unknown_fields(outside, fields):
    outside.pop("entries", None)
    for known in ("data", "spec", "kind", "wi", "worldinfo", "folders"):
        outside.pop(known, None)
    raw = {**outside, "entries": {"0": {**fields, "uid": 0, "key": []}}}
    assert as_sillytavern(read_book(raw, name="w")) == raw
