"""What never reaches people."""

from __future__ import annotations

import pytest

from services.conversation.processing import ReplyFilter, stop_sequences

OWN = ("Mira Stone", "Mira")
OTHERS = ("User", "You", "Rob", "[TAG] Bob", "Agent 7", "Re: Zero")


def reply_filter() -> ReplyFilter:
    return ReplyFilter(own_names=OWN, other_names=OTHERS)


def clean(text: str) -> tuple[str, bool]:
    whole = reply_filter()
    shown = whole.feed(text) + whole.close()
    single = reply_filter()
    assert "".join(single.feed(letter) for letter in text) + single.close() == shown
    assert single.finished == whole.finished
    return shown, whole.finished


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Mira: hello", "hello"),
        (" \n mira:hello", "hello"),
        ("**Mira:** hello", "hello"),
        ("**Mira**: hello", "hello"),
        ("[Mira]: hello", "hello"),
        ("[Mira:] hello", "hello"),
        ("*Mira* : hello", "hello"),
        ("***Mira Stone:*** hello", "hello"),
        ("Mira\uff1a你好", "你好"),
        ("Mira: Mira: hello", "hello"),
        ("Mira:\n\nHello", "Hello"),
        ("One\nMira: two\n\n**Mira:** three", "One\ntwo\n\nthree"),
        ("Mira:", ""),
    ],
)
def test_the_personas_own_name_is_taken_out(written: str, shown: str) -> None:
    assert clean(written) == (shown, False)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Hi there.\nUser: what?", "Hi there."),
        ("Hi there.\n\n  **You:** what?\nMore", "Hi there."),
        ("Hi\n[Rob]: x", "Hi"),
        ("Hi\n[TAG] Bob: x", "Hi"),
        ("Hi\nROB : x", "Hi"),
        ("Hi\nAgent 7: x", "Hi"),
        ("Hi\nRe: Zero: x", "Hi"),
        ("User: what?", ""),
        ("Mira: Rob: x", ""),
        ("Hi\nRob:", "Hi"),
        ("```\ncode\n```\nRob: x", "```\ncode\n```"),
        ("Hi<|im_end|>\n<|im_start|>user\nwhat?", "Hi"),
        ("Hi <start_of_turn>user\nwhat?", "Hi"),
    ],
)
def test_someone_elses_line_ends_the_reply(written: str, shown: str) -> None:
    assert clean(written) == (shown, True)


@pytest.mark.parametrize(
    "written",
    [
        "Note: this",
        "Mirabel: a flower",
        "Robot: a machine",
        "at the time 12:30",
        "Agent 7:30 is the time",
        "I told Rob: no",
        "She said\n'User: x'",
        "Mira",
        "Mi",
        "Hi\nRob",
        "Hi\n**bold** words",
        "[a] b\n*waves*",
        "```yaml\nuser: root\nrob: x\n```",
        "a < b <3 <| `x` ``",
        "<strong> words",
        "a\n\n\nb",
        "Re: the weather",
    ],
)
def test_ordinary_words_pass_unchanged(written: str) -> None:
    assert clean(written) == (written, False)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("  \n hello \n\n", "hello"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a\n \n\t\n \n\n  b", "a\n\n  b"),
        ("hello<|im_end|>", "hello"),
        ("<|im_start|>assistant\nhello<|eot_id|></s>", "hello"),
        ("<START>\nhello", "hello"),
        ("hello\n```memory\nlikes: tea\n```\n", "hello"),
        ("hello\n<memory>likes tea</memory>", "hello"),
        ("hello <memory>never closed", "hello"),
        ("hello ```memory\nnever closed ``", "hello"),
        ("hello\n```mem", "hello"),
        ("hello <|im_e", "hello"),
        ("<memory>x</memory>Mira: hello", "hello"),
        ("```memory\nx\n```\nRob and I", "Rob and I"),
    ],
)
def test_the_models_own_notation_is_taken_out(written: str, shown: str) -> None:
    assert clean(written) == (shown, False)


def test_a_split_name_never_leaks() -> None:
    words = reply_filter()
    shown = [words.feed(chunk) for chunk in ("Mi", "ra", ": ", "he", "llo\nUs", "er", ":", " x")]
    assert shown == ["", "", "", "he", "llo", "", "", ""]
    assert words.finished
    assert words.feed("more") + words.close() == ""


def test_words_that_cannot_be_a_name_come_at_once() -> None:
    words = reply_filter()
    assert words.feed("Hello") == "Hello"
    assert words.feed(", M") == ", M"
    assert words.feed("ira: x\nR") == "ira: x"
    assert words.feed("ice") == "\nRice"


def test_no_more_is_held_back_than_a_label_can_be_long() -> None:
    words = ReplyFilter(own_names=("Mira",), other_names=("Rob",))
    fed = shown = 0
    for chunk in ["**", "Mira", "***", " ", "x" * 50]:
        fed += len(chunk)
        shown += len(words.feed(chunk))
        assert fed - shown <= len("**") + len("Mira") + len("***") + 1
    assert shown == fed


def test_without_names_everything_passes() -> None:
    words = ReplyFilter(own_names=(), other_names=("", " "))
    assert words.feed(": User: x\n: y") + words.close() == ": User: x\n: y"


def test_stop_sequences_are_others_lines_and_few() -> None:
    assert stop_sequences(("Mira",), ("Ann", "mira", "Rob", "Ann", " ")) == ("\nAnn:", "\nRob:")
    assert len(stop_sequences((), [f"user{number}" for number in range(50)])) == 8
