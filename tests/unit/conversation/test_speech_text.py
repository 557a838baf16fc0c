"""What a voice says of a written sentence."""

from __future__ import annotations

import pytest

from services.conversation.speech_text import to_speech


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Hello there. ", "Hello there."),
        ("**Bold** and __strong__", "Bold and strong"),
        ("~~gone~~ and ||secret||", "gone and secret"),
        ("***all of it***", "all of it"),
        ("snake_case and _this_", "snake_case and this"),
        ("## A heading\n", "A heading"),
        ("- an item\n", "an item"),
        ("2. the second\n", "the second"),
        ("> > quoted", "quoted"),
        ("use `pip install`", "use pip install"),
        ("```py\nprint(1)\n```\n", ""),
        ("Run ```a``` now.", "Run now."),
        ("```never closed", ""),
        ("see [the docs](https://x.example/a_(b)) now", "see the docs now"),
        ("![a cat](https://x.example/cat.png)", "a cat"),
        ("see https://www.example.com/a?b=c.", "see example.com."),
        ("see <https://example.com/a>!", "see example.com!"),
        ("(https://example.com:8080/)", "(example.com)"),
        ("broken http://[::1 link", "broken link"),
        ("Great! 😀👍🏽 👩‍👩‍👧", "Great!"),
        ("Hi <:wave:123456> :smile: at 10:30:15", "Hi at 10:30:15"),
        ("Yay :) <3 xD", "Yay"),
        ("(7 or 8)", "(7 or 8)"),
        ("a <b>bold</b> word", "a bold word"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("so   much\n\tspace", "so much space"),
        ("| a | b |", "a b"),
        ("|---|---|", ""),
        ("---\n", ""),
        ("...", ""),
        ("?!", ""),
        ("", ""),
        ("你好。", "你好。"),
    ],
)  # fmt: skip
def test_marks_are_not_read(written: str, spoken: str) -> None:
    assert to_speech(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("*waves* Hello!", "Hello!"),
        ("Hello! *waves*", "Hello!"),
        ("*She waves at you.*", ""),
        ("Well, *she sighs and looks away* fine.", "Well, fine."),
        ("*She waves. ", ""),
        ("Then she smiles.* ", ""),
        ("I *really* mean it.", "I really mean it."),
        ("I love *you*.", "I love you."),
        ("It was 5* rated", "It was 5 rated"),
        ("She said *no", "She said no"),
    ],
)
def test_actions_are_left_out_and_stress_is_read(written: str, spoken: str) -> None:
    assert to_speech(written) == spoken


def test_actions_can_be_read() -> None:
    assert to_speech("*waves* Hello!", actions=True) == "waves Hello!"
