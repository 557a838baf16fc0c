"""Forbidden words and patterns: what they find, what they leave, which are refused."""

from __future__ import annotations

import pytest

from services.conversation.moderation.rules import compile_rules
from services.domain.errors import InvalidRequest


@pytest.mark.parametrize(
    "text",
    [
        "grue",
        "A GRUE!",
        "Ｇｒｕｅ",
        "gr\u200bue",
        "g\u0301rue",
        "𝐠𝐫𝐮𝐞",
        "gruе",
        "他说grue吗",
        "(grue)",
        "grue's",
    ],
)
def test_a_word_is_found_however_it_is_dressed_up(text: str) -> None:
    assert compile_rules(["Grue"]).forbids(text)


@pytest.mark.parametrize("text", ["gruel", "congrue", "gru e", "grue_", "", "грю"])
def test_other_words_are_not_the_word(text: str) -> None:
    assert not compile_rules(["grue"]).forbids(text)


def test_words_with_spaces_signs_and_other_scripts() -> None:
    rules = compile_rules(["heck  no", "c++", "坏话", "плохо", "ça va", "  ", "straße"])
    for text in (
        "HECK\nno",
        "C++ is",
        "他说坏话吗",
        "Это ПЛОХО.",
        "ça va",
        "c\u0327a va",
        "STRAẞE",
    ):
        assert rules.forbids(text), text
    for text in ("heck", "c+", "坏", "неплохо", "ca va"):
        assert not rules.forbids(text), text


def test_nothing_forbidden_finds_nothing() -> None:
    assert not compile_rules()
    assert not compile_rules(["", "\u200b"]).forbids("anything")


@pytest.mark.parametrize(
    ("pattern", "found", "left"),
    [
        (r"\bgr[uo]e\w*", "grOEsome", "ogre"),
        (r"kill.{0,20}yourself", "kill uh yourself", "kill\nyourself"),
        (r"^bye$", "hi\nbye\nhi", "hi bye"),
        (r"(?i)(foo|bar){2}", "FOObar", "foo bar"),
        (r"a\.b\*", "A.B*", "axb"),
        (r"[^\W\d]{3}\d+", "abc1", "ab1"),
        (r"\u0436{2,}", "ЖЖЖ", "ж"),
        (r"[]x]-[a\-z]", "]-z", "]-y"),
        (r"\d{3}-\d{4}", "call 555-1234", "555-123"),
        (r"wh?at+?", "wat", "wht"),
    ],
)
def test_patterns_mean_what_they_do_elsewhere(pattern: str, found: str, left: str) -> None:
    rules = compile_rules((), [pattern])
    assert rules.forbids(found)
    assert not rules.forbids(left)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a", "does not close a group"),
        ("a)", "closes a group that was not opened"),
        ("[a", "ends in the middle"),
        ("a\\", "ends in the middle"),
        ("*a", "repeats nothing"),
        ("a{3,2}", "whose end comes before"),
        ("[z-a]", "whose end comes before"),
        ("a{1000}", "more than 100 times"),
        ("a**", "one quantifier after another"),
        ("a+??", "one quantifier after another"),
        ("(?=a)b", "look around"),
        (r"(a)\1", "refers back"),
        (r"\pL", "no meaning here"),
        (r"\xZZ", "unfinished code"),
        ("a*", "where there is nothing"),
        ("^", "where there is nothing"),
        (" ", "is empty"),
        ("a" * 301, "longer than 300"),
        ("(" * 11 + "a" + ")" * 11, "10 deep"),
        ("[ab]*a[ab]{12}", "too complicated"),
        ("((a{50}){50}){50}", "too complicated"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_by_name(pattern: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=r"The pattern .* cannot be used: it") as refused:
        compile_rules((), ["fine", pattern])
    assert why in refused.value.user_message
    assert pattern[:60] in refused.value.user_message


def test_classic_runaways_only_cost_a_step_per_character() -> None:
    rules = compile_rules((), [r"(a+)+$", r"(?:a|a)*b", r"(x+x+)+y"])
    assert not rules.forbids("ax" * 20_000)


@pytest.mark.parametrize(
    "words", [["x" * 61], [f"word{n}" for n in range(2001)]], ids=["long", "many"]
)
def test_lists_have_an_end(words: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        compile_rules(words)


def test_a_long_list_finds_each_of_its_words() -> None:
    rules = compile_rules([f"w{n}x{n * 7}" for n in range(2000)])
    assert all(rules.forbids(f"a w{n}x{n * 7}.") for n in range(0, 2000, 97))
    assert not rules.forbids("w1x8")


def test_a_match_spans_a_hundred_characters_at_most() -> None:
    rules = compile_rules((), ["begin.*end"])
    assert rules.forbids("begin" + "-" * 92 + "end")
    assert not rules.forbids("begin" + "-" * 93 + "end")
