"""The traps of reading a model's stream."""

from __future__ import annotations

import pytest

from services.llm.model import ContentDelta, ReasoningDelta, ToolCalled
from services.llm.normaliser import StreamNormaliser

TOOLS = ("search", "roll_dice")


def read(*pieces: str, tools=TOOLS, **options):
    normaliser = StreamNormaliser(tools=tools, **options)
    events = [event for piece in pieces for event in normaliser.feed(piece)]
    events += normaliser.close()
    content = "".join(event.text for event in events if isinstance(event, ContentDelta))
    reasoning = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    calls = [
        (event.call.name, dict(event.call.arguments))
        for event in events
        if isinstance(event, ToolCalled)
    ]
    return content, reasoning, calls


def test_split_think_tag_never_leaks() -> None:
    assert read("<th", "ink>plan", "ning</thi", "nk>Hel", "lo") == ("Hello", "planning", [])


@pytest.mark.parametrize("name", ["think", "thinking", "reasoning", "THINK", "Thought"])
def test_every_thought_tag_is_known(name: str) -> None:
    assert read(f"<{name}>hm</{name}>\n\nHi") == ("Hi", "hm", [])


def test_unclosed_thought_never_becomes_content() -> None:
    assert read("Hi <think>secret <b>plan</b> </thin") == ("Hi ", "secret <b>plan</b> </thin", [])


def test_thought_opened_by_the_prompt_ends_at_the_lone_closing_tag() -> None:
    assert read("plan", "</think>", "Hi", opened_in_thought=True) == ("Hi", "plan", [])


def test_lone_closing_tag_is_not_shown() -> None:
    assert read("Hi </think>there") == ("Hi there", "", [])


def test_quoted_tag_does_not_swallow_the_answer() -> None:
    text = "Write `<think>` and then `<tool_call>` and go on."
    assert read(text) == (text, "", [])


def test_separate_thinking_field_is_reasoning() -> None:
    normaliser = StreamNormaliser()
    assert normaliser.feed(thinking="hm") == [ReasoningDelta(text="hm")]
    assert normaliser.feed(content="Hi") == [ContentDelta(text="Hi")]


def test_plain_text_is_not_held_back() -> None:
    normaliser = StreamNormaliser(tools=TOOLS)
    for piece in ("Hello", " there, ", "a < b ", "and {x} [y] `code`."):
        assert normaliser.feed(piece) == [ContentDelta(text=piece)]


def test_control_tokens_are_dropped() -> None:
    assert read("Hi<|im_", "end|>", "</s>", " <|eot_id|>") == ("Hi ", "", [])


SEARCH = ("search", {"q": "mudcrabs"})
CALL = '{"name": "search", "arguments": {"q": "mudcrabs"}}'


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"\n {CALL}\n",
        f"[{CALL}]",
        f"```json\n{CALL}\n```",
        f"```tool_call\n{CALL}\n```\n",
        f"```\n[{CALL}]\n```",
        f"``` json {CALL}```",
        f"CALL: {CALL}",
        f"CALL:\n{CALL}\n",
        f"SAY: CALL: {CALL}",
        f"<tool_call>{CALL}</tool_call>",
        f"<TOOL_CALL>\n{CALL}\n</TOOL_CALL>",
        f"<function_call>{CALL}</function_call>",
        f"<tool_call>{CALL}",
        f"<tool_call>\n```json\n{CALL}\n```\n</tool_call>",
        f"<|python_tag|>{CALL}<|eom_id|>",
        '{"name": "search", "parameters": {"q": "mudcrabs"}}',
        '{"arguments": {"q": "mudcrabs"}, "name": "search"}',
        '{"name": "search", "arguments": "{\\"q\\": \\"mudcrabs\\"}"}',
        '{"type": "function", "function": {"name": "search", "arguments": {"q": "mudcrabs"}}}',
        '{"tool_calls": [{"function": {"name": "search", "arguments": {"q": "mudcrabs"}}}]}',
        # one repair
        '{"name": "search", "arguments": {"q": "mudcrabs",},}',
        "{'name': 'search', 'arguments': {'q': 'mudcrabs'}}",
        '{"name": "search", "arguments": {"q": "mudcrabs"}',
        '{"name": "search", "arguments": {"q": "mudcrabs',
        '<tool_call>{"name": "search", "arguments": {"q": "mudcrabs"}</tool_call>',
        '```json\n[{"name": "search", "arguments": {"q": "mudcrabs"}]\n```',
    ],
)
def test_written_call_becomes_a_call_and_is_never_shown(text: str) -> None:
    content, reasoning, calls = read(*text)
    assert (content.strip(), reasoning, calls) == ("", "", [SEARCH])


def test_the_word_that_announces_words_is_not_shown() -> None:
    assert read(*"SAY: It rains. SAY: no more.") == ("It rains. SAY: no more.", "", [])
    assert read(*" \nSAY:\nIt rains.") == ("It rains.", "", [])
    assert read("SAY: It rains.", tools=()) == ("SAY: It rains.", "", [])


def test_an_announced_call_in_the_middle_of_a_sentence_is_made() -> None:
    content, _, calls = read(*f"Let me look. CALL: {CALL} It is there.")
    assert (content, calls) == ("Let me look.  It is there.", [SEARCH])


def test_an_answer_in_words_waits_only_for_what_may_still_announce_a_call() -> None:
    normaliser = StreamNormaliser(tools=TOOLS)
    assert normaliser.feed("S") == []
    assert normaliser.feed("ure") == [ContentDelta(text="Sure")]
    assert normaliser.feed(", C") == [ContentDelta(text=", ")]
    assert normaliser.feed("ecil") == [ContentDelta(text="Cecil")]


def test_several_calls_and_text_around_them() -> None:
    content, _, calls = read(f"Let me look.\n<tool_call>{CALL}</tool_call><tool_call>{CALL} Done")
    assert (content, calls) == ("Let me look.\n", [SEARCH, SEARCH])
    assert read(f"```json\n{CALL}\n{CALL}\n```")[2] == [SEARCH, SEARCH]
    assert read(f"{CALL}\n{CALL}")[2] == [SEARCH, SEARCH]


def test_call_without_arguments() -> None:
    assert read('<tool_call>{"name": "roll_dice"}</tool_call>') == ("", "", [("roll_dice", {})])


@pytest.mark.parametrize(
    "text",
    [
        "{query: {search}}}}",
        '{"name": "search", "arguments": {query: mudcrabs: now}}',
        '<tool_call>{"name": "search", "arguments": [oops</tool_call>',
        "<tool_call>search(mudcrabs)</tool_call>",
        '```tool_call\n{"name": "search", "arguments": {q=1}}\n```',
        '{"name": "search", "arguments": "mudcrabs"}',
    ],
)
def test_malformed_call_of_an_offered_tool_is_dropped(text: str) -> None:
    content, _, calls = read(*text)
    assert calls == []
    assert content == ("" if "name" in text or "<" in text else text)


@pytest.mark.parametrize(
    "text",
    [
        '{"mood": "happy", "name": "search"}',
        '{"name": "dance", "arguments": {"q": 1}}',
        '{"name": "search", "version": 2}',
        '{"name": "search", "description": "finds", "parameters": {"type": "object"}}',
        "```python\nprint({'name': 'search'})\n```\nThat is it.",
        '```json\n{"name": "Vivec", "arguments": {}}\n```\n```\n{"a": 1}\n```',
        '<tool_call>{"name": "dance", "arguments": {}}</tool_call>',
        f"Then {CALL}",
        "[sighs] {well} ````json\n{}\n````",
        "<tool_call> is a tag",
        "CALL: me later {maybe}",
        'CALL: {"mood": "happy"}',
        'CALL: {"name": "dance", "arguments": {}}',
        "So I SAY: CALLING CALL C",
        "SAYING SA",
        "Call: nobody",
        "a </tool_call> b <thin b <| |> <",
        "   \n",
        "[",
        "{",
        "``",
        "```js",
        "```json\n{",
        "İ <thİnk> ẞ",
    ],
)
def test_other_text_comes_out_byte_for_byte(text: str) -> None:
    assert read(text) == (text, "", [])
    assert read(*text) == (text, "", [])


def test_without_offered_tools_calls_are_text() -> None:
    text = f"<tool_call>{CALL}</tool_call>\n```json\n{CALL}\n```"
    assert read(*text, tools=()) == (text, "", [])
    assert read(CALL, tools=()) == (CALL, "", [])


def test_json_that_never_ends_is_released_as_text() -> None:
    text = '{"name": "' + "x" * 9000
    normaliser = StreamNormaliser(tools=TOOLS)
    shown = "".join(
        event.text
        for start in range(0, len(text), 10)
        for event in normaliser.feed(text[start : start + 10])
        if isinstance(event, ContentDelta)
    )
    assert len(shown) > 8000
    assert text.startswith(shown)


def test_long_arguments_of_an_offered_tool_are_not_released() -> None:
    text = '{"name": "search", "arguments": {"q": "' + "x" * 20_000 + '"}}'
    content, _, calls = read(*(text[start : start + 7] for start in range(0, len(text), 7)))
    assert content == ""
    assert calls == [("search", {"q": "x" * 20_000})]


def test_calls_are_named_by_the_given_source() -> None:
    normaliser = StreamNormaliser(tools=TOOLS, call_ids=iter(["a", "b"]))
    first = normaliser.feed(f"<tool_call>{CALL}</tool_call>")
    assert [event.call.id for event in first if isinstance(event, ToolCalled)] == ["a"]
    assert normaliser.call("search", {}).call.id == "b"
