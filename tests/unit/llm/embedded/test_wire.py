import json

import pytest
from pydantic import ValidationError

from services.llm.embedded.wire import ChatBody, GenerateBody, sampling, templated


def body(**more: object) -> ChatBody:
    return ChatBody.model_validate({"model": "m", **more})


def test_options_become_llama_parameters_and_num_ctx_is_dropped():
    options = {"num_predict": 7, "top_k": 3, "stop": ["x"], "seed": 0, "num_ctx": 99, "mirostat": 1}

    assert sampling(body(options=options)) == {
        "max_tokens": 7,
        "top_k": 3,
        "stop": ["x"],
        "seed": 0,
    }


def test_endless_generation_is_spelled_minus_one():
    assert sampling(body(options={"num_predict": -2}))["max_tokens"] == -1


def test_format_takes_json_and_schemas():
    schema = {"type": "object"}

    assert sampling(body(format="json"))["response_format"] == {"type": "json_object"}
    assert sampling(body(format="")) == {}
    assert sampling(body(format=schema))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema},
    }


def test_results_answer_calls_in_order_across_messages():
    call = {"function": {"name": "roll", "arguments": {"sides": 6}}}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [call, call]},
        {"role": "tool", "content": "3", "tool_name": "roll"},
        {"role": "tool", "content": "4", "tool_name": "roll"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "5", "tool_name": "roll"},
    ]

    converted = json.loads(json.dumps(templated(body(messages=messages))["messages"]))

    made = [c["id"] for m in converted for c in m.get("tool_calls", [])]
    answered = [m["tool_call_id"] for m in converted if m["role"] == "tool"]
    assert made == answered
    assert len(set(made)) == 3
    assert json.loads(converted[0]["tool_calls"][0]["function"]["arguments"]) == {"sides": 6}
    assert converted[0]["content"] == ""


def test_unknown_fields_are_ignored_and_wrong_types_refused():
    body(keep_alive="5m", truncate=True)

    with pytest.raises(ValidationError):
        body(messages=[{"role": "wizard", "content": "x"}])
    with pytest.raises(ValidationError):
        body(options={"temperature": "hot"})


def test_generate_is_a_chat_of_system_and_prompt():
    chat = GenerateBody(model="m", prompt="hi", system="be kind").as_chat()

    assert [(m.role, m.content) for m in chat.messages] == [("system", "be kind"), ("user", "hi")]
