"""The output guard does not care how its text arrives, lets nothing through and holds little."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.conversation.moderation.rules import MASK, compile_rules
from services.conversation.moderation.scanner import Ban, Scanner, Search
from services.conversation.moderation.shapes import REMOVED, secret_bans, standing_bans
from tests.fakes import planted

pytestmark = pytest.mark.property

KNOWN = "correct horse battery"
RULES = compile_rules(
    ["bad", "b", "c++", "très mal", "坏话"],
    [r"kill.{0,6}you", r"f+u+", r"\bd[a@]m\w*", r"^who$", r"[a-c]{3,5}x"],
)
GUARDED = Search((*standing_bans(), *secret_bans([KNOWN]), *RULES.bans))
PIECES = st.sampled_from(
    [
        "bad", "ba", "d", "b", "c++", "c", "+", "très", " ", "  ", "mal", "坏", "话", "kill", "you",
        " u ", "ff", "uu", "d@m", "am", "dam", "who", "\n", "a", "x", "abc", "ＢＡ", "Ｄ", "\u200b",
        "é", "e\u0301", "@", "every", "one", "@here", "<", "@&", "<@&", "12>", "sk-", "gh", "p_",
        planted.MODEL_KEY[3:20], planted.MODEL_KEY, planted.DISCORD_TOKEN[:30],
        planted.DISCORD_TOKEN[30:], "MTIz", "ey", "J", planted.SIGNED_TOKEN, "-----", "BEGIN ",
        "PRIVATE", " KEY", "-----END ", planted.PRIVATE_KEY, "correct ", "horse", " battery",
        ".", ",", "_", "-", "hello", "😀",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join)


def guarded(chunks: Sequence[str], search: Search = GUARDED) -> str:
    guard = Scanner(search)
    return "".join(map(guard.feed, chunks)) + guard.close()


def only(bans: Sequence[Ban]) -> Search:
    return Search(bans)


@given(TEXTS, st.data())
def test_chunking_never_changes_the_result(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    chunks = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert guarded(chunks) == guarded([text]) == guarded(list(text))


@given(st.lists(st.sampled_from("abc12+ .,\n"), max_size=30).map("".join), st.data())
def test_no_planted_secret_ever_gets_through(around: str, data: st.DataObject) -> None:
    secret = data.draw(st.sampled_from([*planted.EVERY.values(), KNOWN]))
    cut = data.draw(st.integers(0, len(secret)))
    text = f"{around} {secret} {around}"
    shown = guarded([text[: len(around) + 1 + cut], text[len(around) + 1 + cut :]])
    assert secret not in shown
    assert REMOVED in shown


@given(st.text(alphabet="abcdefghijklmnoprstuvwyzABMNO ,.!?\n'\"*_()éß好и", max_size=300))
def test_ordinary_words_are_never_changed_or_kept_back(text: str) -> None:
    guard = Scanner(Search((*standing_bans(), *secret_bans([KNOWN]))))
    assert guard.feed(text + " ") + guard.close() == text + " "
    shown = ""
    for at, char in enumerate(text):
        shown += guard.feed(char)
        held = text[len(shown) : at + 1]
        assert KNOWN.startswith(held) or len(held) <= 4 or held.startswith(("M", "N", "O"))


EXPRESSIONS = st.sampled_from(
    ["ab+c", "a(?:b|bc)d?", "[ab]{2,3}", "a.c", "(?:ab|a)(?:c|bcd)", "c[^a]b", "a{2}b*", "b.*d"]
)


@given(EXPRESSIONS, st.text(alphabet="abcd \n", max_size=60))
def test_patterns_find_the_leftmost_longest_match(expression: str, text: str) -> None:
    pattern = re.compile(expression)
    expected, at = "", 0
    while at < len(text):
        ends = range(len(text), at, -1)
        end = next((end for end in ends if pattern.fullmatch(text, at, end)), None)
        expected += text[at] if end is None else MASK
        at = at + 1 if end is None else end
    search = only(compile_rules((), [expression]).bans)
    assert guarded([text], search) == guarded(list(text), search) == expected


@given(TEXTS)
def test_what_was_cleaned_needs_no_more_cleaning(text: str) -> None:
    shown = guarded([text], only(standing_bans()))
    assert not re.search(r"@(?:everyone|here)|<@&", shown)
