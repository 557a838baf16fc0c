"""The reply filter does not care how its text arrives, and changes only what it says it does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.conversation.processing import ReplyFilter

pytestmark = pytest.mark.property

OWN, OTHERS = ("Mira Stone", "Mira"), ("User", "Rob", "[X] Bob", "Agent 7", "Miranda", "ß")
PIECES = st.sampled_from(
    [
        "Mira", " Stone", "User", "Rob", "[X] Bob", "Agent 7", "nda", "ß", "ss", "mi", "ra", ":",
        "\uff1a", ": ", " ", "\n", "\n\n", "\n\n\n\n", "\t", "*", "**", "[", "]", "_", "`", "```",
        "```memory", "```memory\n", "<memory>", "</memory>", "<|im_end|>", "<|im_start|>",
        "assistant\n", "<START>", "<", "|", ">", "</s>", "hello", "world.", "3", "30",
    ]
)  # fmt: skip
NAMELESS = st.text(alphabet="abc ,.!?\n\t*_[]()é好", max_size=120)


def run(chunks: list[str]) -> tuple[str, bool]:
    words = ReplyFilter(own_names=OWN, other_names=OTHERS)
    shown = "".join(words.feed(chunk) for chunk in chunks) + words.close()
    return shown, words.finished


@given(st.lists(PIECES, max_size=30).map("".join), st.data())
def test_chunking_never_changes_the_result(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    chunks = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert run(chunks) == run([text]) == run(list(text))


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_label_and_no_token_is_ever_shown(text: str) -> None:
    shown, _ = run([text])
    assert shown == shown.strip()
    if "```" not in text:
        for line in shown.split("\n"):
            assert not re.match(r"\s*(mira|rob|user)\s?:", line, re.IGNORECASE)
        assert not re.search(r"\n\s*\n\s*\n\s*\n", shown)


@given(NAMELESS)
def test_words_without_labels_are_only_trimmed(text: str) -> None:
    shown, finished = run([text])
    assert shown == re.sub(r"\n(?:[^\S\n]*\n){3,}", "\n\n", text.strip())
    assert not finished
