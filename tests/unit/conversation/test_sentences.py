"""Where sentences end, and where they only seem to."""

from __future__ import annotations

import pytest

from services.conversation.sentences import LONGEST, SentenceSplitter


def split(text: str) -> list[str]:
    whole = SentenceSplitter()
    sentences = whole.feed(text) + whole.flush()
    single = SentenceSplitter()
    assert [one for letter in text for one in single.feed(letter)] + single.flush() == sentences
    assert "".join(sentences) == text
    return sentences


@pytest.mark.parametrize(
    "marked",
    [
        # the bar shows where a sentence ends
        "It costs $29.95. |Buy it.",
        "Pi is 3.14. |Yes, 3.14!",
        "Mr. Smith met Dr. Who. |Then he left.",
        "Some fruit, e.g. this one, i.e. Apples. |More.",
        "The U.S. Army came. |We ran.",
        "He lives in the U.S. |The army left.",
        "J. R. R. Tolkien wrote it. |J.R.R. Tolkien did.",
        "So did I. |Everyone did.",
        "Wait... what? |Oh. |Hmm... |Then go. |...and so on",
        "Hmm… well. |Gut… |Nein.",
        "No!! |Really?! |Yes.",
        "At 5 p.m. sharp. |At 5 p.m. |She left.",
        "Cats, dogs, etc. |All of them, etc. and so on.",
        "No. |I won't. |No. 5 is alive.",
        "Acme Inc. makes it. |Acme Inc. |It does.",
        '"Really?" she asked. |"Yes." |Then (truly.) |Ok.',
        "“Hi!” he said. |«Oui.» |Non.",
        "He left (at last!) and slept. |[Done.] |Ok.",
        "**Bold.** |Next *waves.* |_So._ |ok",
        "lowercase people. |they write so. |all day",
        "你好。|今天怎么样？|很好！|再见",
        "「はい。」|そうです。|ええ",
        "क्या हाल है? |ठीक है। |अच्छा",
        "One line\n|Another line\n\n  |A paragraph",
        "One line\r\n|Another",
        "Shopping:\n|- milk. |Fresh.\n|- bread\n|* eggs",
        "1. First. |Again\n|2. Second\n|10. Tenth",
        "What is 2+2? |4. |Correct!",
        "See https://a.example/c?d=1.5&e!f. |Next.",
        "Node.js and example.com. |Yes.",
        "Great! 😀 |Next one.😀 |Wow!👩‍👩‍👧|Yes 👍🏽 no.",
        "What⁉️ |Yes‼ |Ok",
        "Look:\n|```py\na. B. C\n\nprint('. X')\n```\n|Done. |Ok.",
        "Run ```a. B. C``` now. |Ok.",
        "Use `x` now. |Ok.",
        "```\nnever closed. At all.\n\nReally",
        "\n\n  Hello.  |World.  ",
        "No space.Here! |Version 2.0. |Done",
    ],
)
def test_traps(marked: str) -> None:
    assert split(marked.replace("|", "")) == marked.split("|")


def test_a_sentence_waits_until_what_follows_proves_it() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("It costs $29.") == []
    assert splitter.feed("95 or 3.") == []
    assert splitter.feed(" ") == []
    assert splitter.feed("N") == ["It costs $29.95 or 3. "]
    assert splitter.flush() == ["N"]


def test_one_letter_of_the_next_sentence_is_enough() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("Hello there. H") == ["Hello there. "]


def test_a_splitter_starts_afresh_after_flush() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("```open. Fence") + splitter.flush() == ["```open. Fence"]
    assert splitter.feed("One. Two") + splitter.flush() == ["One. ", "Two"]
    assert splitter.flush() == []


def test_a_run_without_a_stop_is_cut_at_a_clause_in_its_second_half() -> None:
    clause = "word " * 50 + "end, "
    assert split(clause + "more " * 60) == [clause, "more " * 60]


def test_a_run_without_a_clause_is_cut_between_words() -> None:
    sentences = split("word " * 300)
    assert all(len(one) <= LONGEST for one in sentences)
    assert all(one.endswith("word ") for one in sentences)


def test_a_run_without_a_gap_is_cut_at_a_wide_comma_or_not_before_twice_the_length() -> None:
    assert split("好" * 300 + "，" + "好" * 300) == ["好" * 300 + "，", "好" * 300]
    assert [len(one) for one in split("x" * 1000)] == [2 * LONGEST, 200]


def test_a_forced_cut_tears_no_letter_apart() -> None:
    sentences = split("e\u0301" * 500)
    assert not any(one.startswith("\u0301") for one in sentences)
    family = "a" + "👩\u200d👩\u200d👧" * 300
    assert all(not one.startswith("\u200d") for one in split(family))


def test_a_long_fence_is_kept_whole_and_the_words_after_it_are_cut() -> None:
    fence = "```\n" + "x = 1. Y\n" * 200 + "```"
    sentences = split(fence + " " + "word " * 100)
    assert sentences[0].startswith(fence)
    assert len(sentences[0]) <= len(fence) + LONGEST + 1
