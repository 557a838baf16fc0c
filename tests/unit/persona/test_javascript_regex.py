"""Regular expressions on V8: limits, broken ones, and text of every kind."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.persona.javascript_literals import needed
from services.persona.javascript_regex import (
    JavaScriptRegex,
    RegexEngine,
    Verdict,
    read_regex,
    shared_engine,
)
from services.persona.javascript_subset import translated
from tests.fakes.lore import Told, activated, book, entry, skipped

RUNAWAY = JavaScriptRegex("^(a+)+$")
VICTIM = "a" * 40 + "!"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("/a/", JavaScriptRegex("a", "")),
        ("/a/gi", JavaScriptRegex("a", "gi")),
        ("/a\\/b/", JavaScriptRegex("a\\/b", "")),
        ("/a\nb/s", JavaScriptRegex("a\nb", "s")),
        ("//", None),
        ("a", None),
        ("/a", None),
        ("/a/b/", None),
        ("/[/]/", None),
        ("/a/q", None),
        ("/a/gg", None),
    ],
)
def test_reading(text, read):
    assert read_regex(text) == read


def test_a_runaway_is_named_and_the_others_are_decided():
    checks = [
        (JavaScriptRegex("(?=b)b"), "abc"),
        (RUNAWAY, VICTIM),
        (JavaScriptRegex("(?=z)z"), "abc"),
        (JavaScriptRegex("("), "abc"),
        (JavaScriptRegex("(?<!x)b"), "abc"),
    ]
    verdicts = shared_engine().test(checks)
    assert [verdict.name for verdict in verdicts] == [
        "MATCH",
        "RUNAWAY",
        "NO_MATCH",
        "INVALID",
        "MATCH",
    ]


def test_many_runaways_end_the_test_soon():
    checks = [(JavaScriptRegex(f"^(a+)+${n}?"), VICTIM) for n in range(100)]
    began = time.perf_counter()
    verdicts = RegexEngine().test(checks)
    assert time.perf_counter() - began < 3
    assert verdicts.count(Verdict.RUNAWAY) == 5
    assert verdicts[-1] is Verdict.NOT_RUN


async def test_a_runaway_does_not_hold_up_the_loop():
    async def lateness() -> float:
        late = 0.0
        testing = asyncio.ensure_future(shared_engine().test_aside([(RUNAWAY, VICTIM)] * 3))  # noqa: TID251
        while not testing.done():
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            late = max(late, time.perf_counter() - began - 0.005)
        assert (await testing)[0] is Verdict.RUNAWAY
        return late

    # A busy machine is late now and then; one that is held up is so every time.
    assert min([await lateness() for _ in range(3)]) < 0.1


def test_a_runaway_key_is_reported_and_the_scan_goes_on():
    entries = [entry(1, "/^(.+a+)+$/"), entry(2, "key"), entry(3, "/(?=k)key/")]
    result = Told([book(*entries)]).scan(f"key {VICTIM}")
    assert activated(result) == [2, 3]
    assert skipped(result) == {1: "regex /^(.+a+)+$/ took too long"}


@pytest.mark.parametrize(
    "text", ["\ud800", "a\udfffb", "😀\ud83d", "\x00\u2028\u2029`${}\\", "é" * 1000]
)
def test_text_of_every_kind_arrives_whole(text):
    engine = shared_engine()
    assert engine.test([(JavaScriptRegex("^[\\s\\S]*$"), text)]) == [Verdict.MATCH]
    (match,) = engine.find(JavaScriptRegex("^[\\s\\S]*$"), text) or []
    assert match.groups == (text,)


def test_matches_come_with_their_groups():
    found = shared_engine().find(JavaScriptRegex("(?<first>\\w)(x)?", "g"), "ab")
    assert [(match.start, match.groups, match.named) for match in found or []] == [
        (0, ("a", "a", None), {"first": "a"}),
        (1, ("b", "b", None), {"first": "b"}),
    ]
    assert shared_engine().find(JavaScriptRegex("("), "a") is None
    assert shared_engine().find(JavaScriptRegex("z"), "a") == []
    assert shared_engine().find(RUNAWAY, VICTIM) is None


def test_a_closed_engine_starts_again():
    engine = RegexEngine()
    check = [(JavaScriptRegex("(?=a)a"), "a")]
    assert engine.test(check) == [Verdict.MATCH]
    engine.close()
    assert engine.test(check) == [Verdict.MATCH]
    engine.close()


def test_an_expression_that_eats_memory_is_stopped():
    engine = RegexEngine()
    greedy = JavaScriptRegex("(?:(?=(a{1,2000}))\\1?){1,2000}" * 3 + "$")
    verdict = engine.test([(greedy, "a" * 50_000 + "b")])[0]
    assert not verdict.decided or verdict is Verdict.NO_MATCH
    assert engine.test([(JavaScriptRegex("(?=a)a"), "a")]) == [Verdict.MATCH]
    engine.close()


@pytest.mark.parametrize(
    "source",
    [
        "ba*b",
        "(ba+)c",
        "b(a|b)+b",
        "(a+)+$",
        "\\ba+b",
        "ba{2,}b",
        "a{2,1}",
        "a{21}",
        "(a|b){7}",
        "^*a",
        "(?=a)?",
        "(?<=a+b)",
        "(?<=a|bc)",
        "a+*",
        "a{2}{2}",
        "(?<n>a)",
        "\\1",
        "\\u0041",
        "é",
        "[]",
        "[b-a]",
        "(",
        "a)",
        "[a",
        "a\\",
        "a??b??" * 9,
        "(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)",
        "[^]",
        "\\k",
    ],
)
def test_what_is_not_simple_is_left_to_v8(source):
    assert translated(source, "") is None


@pytest.mark.parametrize(
    ("source", "flags", "texts"),
    [
        ("drag(?:on|oon)s?", "", ("drag",)),
        ("\\bTide\\b(?!-)", "i", ("tide",)),
        ("sea|(?:moon|sun)+x", "", ("sea", "moon", "sun")),
        ("ab?cde", "", ("cde",)),
        ("ab{0,3}c{2}", "", ("a",)),
        ("(a+)+$", "", ("a",)),
        ("[abc]de\\.f", "", ("de.f",)),
        ("(?<name>ab)|c", "", ("ab", "c")),
        ("moss", "iu", ("mo",)),
        ("éa", "", ("a",)),
        ("\\u0061bc\\x64", "", ("bc",)),
        ("(sea)\\1ide", "", ("sea",)),
        ("(a)\\12b", "", ("a",)),
        ("\\0cd", "", ("cd",)),
    ],
)
def test_what_an_expression_needs_is_known(source, flags, texts):
    assert needed(source, flags) == texts


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        ("a*", ""),
        ("a|", ""),
        ("(?=abc)", ""),
        ("(?!abc)", ""),
        ("[abc]", ""),
        ("(abc)?", ""),
        ("(?:abc|)", ""),
        ("s", "iu"),
        ("\\u{61}bc", ""),
        ("\\x6zc", ""),
        ("\\p{L}bc", ""),
        ("\\k<n>bc", ""),
        ("(?i:abc)", ""),
        ("a{b", ""),
        ("[abc", ""),
        ("é", ""),
        ("|".join("abcdefghi"), ""),
    ],
)
def test_where_nothing_is_needed_for_sure_nothing_is_named(source, flags):
    assert needed(source, flags) is None


def test_texts_without_what_is_needed_never_reach_v8():
    engine = RegexEngine(seconds=0.001)
    regex = JavaScriptRegex("^(b+)+$")
    assert engine.valid([regex]) == [True]
    assert engine.test([(regex, VICTIM)]) == [Verdict.NO_MATCH]
    assert engine.test([(regex, "b" * 40 + "!")]) == [Verdict.RUNAWAY]
    engine.close()


def test_a_runaway_reports_to_nobody_once_its_engine_is_closed():
    for _ in range(3):
        engine = RegexEngine(seconds=0.005)
        assert engine.test([(RUNAWAY, VICTIM)]) == [Verdict.RUNAWAY]
        engine.close()  # a late report would be an error that nobody can catch


def test_what_is_invalid_stays_invalid_whatever_it_seems_to_need():
    engine = RegexEngine()
    regex = JavaScriptRegex("x\\.y(?<n>a)(?<n>b)")
    assert engine.test([(regex, "abc")]) == [Verdict.NO_MATCH]
    assert engine.test([(regex, f"as it stands: {regex}")]) == [Verdict.INVALID]
    assert engine.valid([regex, regex]) == [False, False]
    assert engine.test([(regex, "abc")]) == [Verdict.INVALID]
    engine.close()


async def test_a_thread_that_runs_a_loop_can_test_too():
    engine = RegexEngine()
    assert engine.test([(JavaScriptRegex("(a)\\1"), "aa")]) == [Verdict.MATCH]
    assert await engine.test_aside([(JavaScriptRegex("(a)\\1"), "ab a")]) == [Verdict.NO_MATCH]
    engine.close()
