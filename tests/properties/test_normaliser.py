"""The stream normaliser gives the same result however its input is cut."""

from __future__ import annotations

import codecs
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.llm.model import ContentDelta, ReasoningDelta, ToolCalled
from services.llm.normaliser import StreamNormaliser

pytestmark = pytest.mark.property

TOOLS = ("search", "roll")
CALL = '{"name": "search", "arguments": {"q": "a } ``` b"}}'
WORDS = st.text("abc déß漢🙂.,!?'\" \n", min_size=1, max_size=12)
THOUGHTS = st.builds(
    "<{0}>{1}</{0}>".format, st.sampled_from(["think", "reasoning", "THINK"]), WORDS
)
CALLS = st.sampled_from(
    [
        f"<tool_call>{CALL}</tool_call>",
        f"<function_call>\n{CALL}\n</function_call>",
        f"```json\n{CALL}\n```",
        f"```\n[{CALL}, {CALL}]\n```",
        "<tool_call>{'name': 'roll',}</tool_call>",
    ]
)
FRAGMENTS = st.sampled_from(
    [
        "<", "</", "<think", "<think>", "</think>", "<tool_call>", "</tool_call>", "`", "``", "```",
        "```json", "```json\n", "{", "}", "[", "]", '"', "'", "\\", "\n", CALL, CALL[:-1],
        CALL[:20], '{"name"', '"search"', ": ", "<|im_end|>", "<|im", "</s>", "x", " ", "search",
        "<THINK>",
    ]
)  # fmt: skip
NOISE = st.lists(FRAGMENTS | WORDS | THOUGHTS | CALLS, max_size=10).map("".join)


def read(pieces, **options):
    normaliser = StreamNormaliser(tools=TOOLS, **options)
    events = [event for piece in pieces for event in normaliser.feed(piece)]
    events += normaliser.close()
    return (
        "".join(event.text for event in events if isinstance(event, ContentDelta)),
        "".join(event.text for event in events if isinstance(event, ReasoningDelta)),
        [event.call for event in events if isinstance(event, ToolCalled)],
    )


def cut(text, positions):
    edges = sorted({0, len(text), *(position % (len(text) + 1) for position in positions)})
    return [text[start:end] for start, end in pairwise(edges)]


@given(NOISE, st.booleans())
def test_every_single_split_gives_the_unsplit_result(text, opened) -> None:
    whole = read([text], opened_in_thought=opened)
    for position in range(len(text) + 1):
        split = read([text[:position], text[position:]], opened_in_thought=opened)
        assert split == whole


@given(NOISE, st.lists(st.integers(0, 400), max_size=30))
def test_random_chunks_and_single_characters_give_the_unsplit_result(text, positions) -> None:
    whole = read([text])
    assert read(cut(text, positions)) == whole
    assert read(list(text)) == whole


@given(NOISE)
def test_bytes_one_by_one_give_the_unsplit_result(text) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    assert read([decoder.decode(bytes([byte])) for byte in text.encode()]) == read([text])


@given(st.lists(st.tuples(WORDS, THOUGHTS | CALLS | st.just("")), min_size=1, max_size=5))
def test_pieces_come_out_where_they_belong(document) -> None:
    content, reasoning, calls = read(["".join(text + other for text, other in document)])
    spoken = "".join(text for text, _ in document)
    others = [other for _, other in document]
    thoughts = [other for other in others if other and "name" not in other]
    assert "".join(content.split()) == "".join(spoken.split())
    assert content in spoken
    assert reasoning == "".join(t[t.index(">") + 1 : t.rindex("</")] for t in thoughts)
    assert len(calls) == sum(max(other.count('"name"'), other.count("'name'")) for other in others)


@given(st.text(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_text_without_markup_is_lossless(text, positions) -> None:
    text = text.replace("<", "(")
    assert read(cut(text, positions)) == (text, "", [])


@given(NOISE, NOISE)
def test_nothing_between_think_tags_is_ever_content(before, secret) -> None:
    for opener, harmless in (("`", "'"), ("{", "("), ("<tool", "<too"), ("<fun", "<f")):
        before = before.replace(opener, harmless)
    secret = "§" + secret.replace("</", "<")
    content, reasoning, _ = read([before, "<think>", secret])
    assert "§" not in content
    assert secret in reasoning
