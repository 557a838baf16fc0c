"""The splitter loses nothing and does not care how its text arrives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.conversation.sentences import LONGEST, SentenceSplitter

pytestmark = pytest.mark.property

PIECES = st.sampled_from(
    [
        ". ", ".", "! ", "?", "...", "…", "。", "！", "\n", "\n\n", " ", "  ", ", ", "```",
        "`", "*",
        '"', "(", ")", "Mr", "e.g", "U.S", "J", "The", "she", "Word", "word", "3", "$29", "1", "- ",
        "😀", "\u200d", "\ufe0f", "\u0301", "https://a.b/c?d", "好", "etc", "No", "I",
        "x" * 150,         "long word run " * 12,
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=200))


def split(chunks: list[str]) -> list[str]:
    splitter = SentenceSplitter()
    return [one for chunk in chunks for one in splitter.feed(chunk)] + splitter.flush()


@given(TEXTS, st.data())
def test_lossless_and_the_same_for_every_chunking(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    chunks = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = split([text])
    assert "".join(whole) == text
    assert split(chunks) == whole
    assert split(list(text)) == whole
    assert all(whole)


@given(TEXTS)
def test_sentences_do_not_begin_with_space_and_are_not_endless(text: str) -> None:
    first, *others = split([text]) or [""]
    assert not any(one[0].isspace() for one in others)
    for one in [first, *others]:
        if "```" not in one and one.strip():
            stripped = one.strip()
            assert len(stripped) <= 2 * LONGEST + 300, "look-ahead adds little to the longest run"
