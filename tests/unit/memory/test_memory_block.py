"""The memory block at the end of an answer: never shown, and believed only where people said it."""

from __future__ import annotations

import json

import pytest

from services.conversation.processing import ReplyFilter
from services.memory.learning.memory_block import LONGEST_BLOCK, MemoryBlockFilter, memories_in

BLOCK = '{"memories": [{"key": "city", "value": "Bonn", "context": "said so"}]}'


def cleaned(answer: str) -> tuple[str, list[str]]:
    whole = MemoryBlockFilter()
    shown = whole.feed(answer) + whole.close()
    single = MemoryBlockFilter()
    assert "".join(single.feed(letter) for letter in answer) + single.close() == shown
    assert single.blocks == whole.blocks
    return shown, whole.blocks


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (f"Hello!\n\n```json\n{BLOCK}\n```", "Hello!\n\n"),
        (f"Hello!\n```\n{BLOCK}```\n", "Hello!\n\n"),
        (f"Hello! ```JSON {BLOCK}``` Bye", "Hello!  Bye"),
        (f"Hello!\n{BLOCK}\n", "Hello!\n\n"),
        (f"Hello!\n```memory\n{BLOCK}\n```", "Hello!\n"),
        (BLOCK, ""),
    ],
)
def test_a_block_is_taken_out_and_kept(answer, shown):
    assert cleaned(answer)[0] == shown
    assert [json.loads(each) for each in cleaned(answer)[1]] == [json.loads(BLOCK)]


@pytest.mark.parametrize(
    "answer",
    [
        '```json\n{"a": 1}\n```',
        "```python\nprint('hi')\n```",
        'Write {"memories": []} in your file.',
        "{ curly } words",
        "a `b` c ``` d",
        "  indented\n\t{x}",
    ],
)
def test_other_code_and_braces_stay(answer):
    assert cleaned(answer) == (answer, [])


@pytest.mark.parametrize(
    "cut", ['Hi\n```json\n{"memories": [{"key": "a', 'Hi\n{"memories": [', 'Hi\n{"memor']
)
def test_a_block_cut_off_by_the_end_never_flashes(cut):
    assert cleaned(cut) == ("Hi\n", [])


def test_a_block_without_an_end_is_not_kept_in_memory():
    assert cleaned('```json\n{"memories": ' + "x" * (LONGEST_BLOCK * 2) + "```") == ("", [])


def test_the_reply_filter_hides_blocks_and_hands_them_on():
    cleaner = ReplyFilter(own_names=("Mira",), other_names=("User",))
    answer = f"Mira: Lovely to hear!\n\n```json\n{BLOCK}\n```\n"
    shown = "".join(cleaner.feed(letter) for letter in answer) + cleaner.close()
    assert shown == "Lovely to hear!"
    assert [json.loads(each) for each in cleaner.memories] == [json.loads(BLOCK)]


@pytest.mark.parametrize(
    "block",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"memories": 3}',
        '{"memories": [3, {"value": "x"}, {"key": "k"}]}',
        '{"memories": [{"key": "k", "value": "' + "x" * 300 + '"}]}',
        json.dumps({"memories": [{"key": "k", "value": "v"}] * 50}),
    ],
)
def test_malformed_blocks_hold_nothing(block):
    assert memories_in(block) == []


def test_one_bad_memory_does_not_spoil_the_others():
    block = json.dumps({"memories": [{"value": "x"}, {"key": "city", "value": "Bonn", "more": 1}]})
    assert [(each.key, each.value) for each in memories_in(block)] == [("city", "Bonn")]
