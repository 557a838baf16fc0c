"""How tools are told to built-in models, when a call is meant, and what a call may hold."""

import json
import math

from services.llm.embedded.tool_choice import (
    NEEDED,
    continued,
    grammar,
    means_call,
    read_call,
    told,
    tools_of,
)
from services.llm.embedded.wire import ChatBody

ROLL = {
    "type": "function",
    "function": {
        "name": "roll",
        "description": "Rolls dice.",
        "parameters": {
            "$defs": {"Kind": {"enum": ["open", "hidden"], "title": "Kind"}},
            "type": "object",
            "properties": {
                "dice": {"type": "string", "maxLength": 9999, "description": "Such as 2d6."},
                "kind": {"$ref": "#/$defs/Kind"},
                "odd": {"type": "string", "format": "moon", "pattern": "(?!x)"},
            },
            "required": ["dice"],
        },
    },
}
SYSTEM = {"role": "system", "content": "You are Mira."}
CALLED = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"function": {"name": "roll", "arguments": {"dice": "2d6"}}}],
}


def user(text):
    return {"role": "user", "content": text}


def body(*messages, tools=(ROLL,)):
    return ChatBody.model_validate({"model": "m", "messages": messages, "tools": tools})


def contents(chat, tools):
    return [message.content for message in told(chat, tools).messages]


def test_what_stands_before_the_last_words_of_a_person_is_the_same_whatever_is_offered():
    chat = body(SYSTEM, user("Hi"), {"role": "assistant", "content": "Hello."}, user("Roll!"))
    with_tool, without = contents(chat, tools_of(chat)), contents(chat, ())

    assert with_tool[:3] == without[:3] == ["You are Mira.", "Hi", "Hello."]
    assert with_tool[-1] == without[-1] == "Roll!"
    assert "roll(dice: string (Such as 2d6), kind?" in with_tool[3]


def test_tools_join_the_note_before_the_last_words():
    chat = body(SYSTEM, user("Hi"), {"role": "system", "content": "It rains."}, user("Roll!"))
    assert [text[:9] for text in contents(chat, tools_of(chat))] == [
        "You are M",
        "Hi",
        "It rains.",
        "Roll!",
    ]


def test_the_prompt_only_grows_from_round_to_round():
    first = body(SYSTEM, user("Roll!"))
    second = body(SYSTEM, user("Roll!"), CALLED, {"role": "tool", "content": "7"})
    before, after = contents(first, tools_of(first)), contents(second, tools_of(second))

    assert after[: len(before)] == before
    assert after[len(before)] == 'CALL: {"name": "roll", "arguments": {"dice": "2d6"}}'
    assert "7" in after[-1]


def test_no_message_needs_a_chat_format_that_knows_tools():
    chat = body(SYSTEM, user("Roll!"), CALLED, {"role": "tool", "content": "7"})
    for message in told(chat, ()).messages:
        assert message.role != "tool"
        assert not message.tool_calls


def test_without_a_persons_words_tools_come_first():
    chat = body(SYSTEM)
    assert "roll(" in contents(chat, tools_of(chat))[0]


def test_what_is_no_tool_is_not_offered():
    odd = [{}, {"function": 3}, {"function": {"name": 4}}, {"function": {"name": "bare"}}]
    assert [tool.name for tool in tools_of(body(user("x"), tools=odd))] == ["bare"]


def test_the_first_word_decides_by_its_share():
    def weights(share):
        return {" CALL": math.log(share * 0.5), "S": math.log((1 - share) * 0.5), "Hi": -0.7}

    assert means_call(weights(NEEDED + 0.01))
    assert not means_call(weights(NEEDED - 0.01))
    assert not means_call({"Hello": -0.1})
    assert not means_call({})


def test_a_grammar_holds_what_it_can_and_leaves_the_rest_to_the_check():
    chat = body(user("x"))
    text = grammar(tools_of(chat))
    schema = json.loads(text.partition("call_0: %json ")[2])
    arguments = schema["properties"]["arguments"]

    assert schema["$defs"]["Kind"] == {"enum": ["open", "hidden"]}
    assert arguments["properties"]["dice"] == {"type": "string"}
    assert arguments["properties"]["odd"] == {"type": "string"}
    assert arguments["required"] == ["dice"]
    assert arguments["additionalProperties"] is False


def test_half_a_call_is_none():
    whole = '{"name": "roll", "arguments": {"dice": "2d6"}}'
    call = read_call(whole)
    assert call is not None
    assert call.function.arguments == {"dice": "2d6"}
    assert all(read_call(whole[:end]) is None for end in range(len(whole)))


def test_an_answer_goes_on_from_its_first_word():
    assert continued(body(user("x")), "SAY:").messages[-1].content == "SAY:"
