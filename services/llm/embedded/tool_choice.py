"""Tools for the built-in models: told late, chosen by the first word, bound by a grammar."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence

from services.domain.calls import ToolCall
from services.llm.embedded.wire import Call, ChatBody, JsonObject, Message
from services.llm.model import ToolSchema
from services.llm.tool_text import CALL, SAY, describe_tools, write_call, write_result

STOPS = (f"\n{CALL}", f"\n{SAY}", "\nMessage:")
"""Where an answer in words has begun to play through the protocol by itself."""

NEEDED = 0.75
"""The share of ``CALL`` among the two first words from which the model is taken to mean it.

Small models overdo it. Measured on the built-in 1.5B model with the tuning half of
``tests/bench/tool_requests.py``: requests lie from 0.76 to 1, talk that mentions a tool's words
from 0.14 to 0.84.
"""

_LONGEST_STRING = 400
_KEPT_KEYS = frozenset(
    {"type", "enum", "const", "required", "$ref", "additionalProperties"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"minLength", "maxLength", "minItems", "maxItems"}
)
_SCHEMAS_BY_NAME = frozenset({"properties", "$defs"})
_SCHEMA_LISTS = frozenset({"anyOf", "allOf", "oneOf"})
_FORM: JsonObject = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "lenient": True,
}


def tools_of(body: ChatBody) -> Sequence[ToolSchema]:
    """Return the tools that ``body`` offers; what has not the form of one is left out."""
    return tuple(_tools(body.tools or ()))


def _tools(given: Sequence[JsonObject]) -> Iterator[ToolSchema]:
    for item in given:
        function = item.get("function")
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            continue
        parameters = function.get("parameters")
        yield ToolSchema(
            name=function["name"],
            description=str(function.get("description") or ""),
            parameters=parameters if isinstance(parameters, Mapping) else {},
        )


def told(body: ChatBody, tools: Sequence[ToolSchema]) -> ChatBody:
    """Return ``body`` with ``tools``, and calls and results of before, told as text.

    They are told right before the last message of a person, so that all that comes before stays in
    the prompt cache whichever tools are offered, and where they are told stays the same through
    all rounds of calls.
    """
    messages = list(body.messages)
    if tools:
        _tell(messages, describe_tools(tools))
    return body.model_copy(
        update={"messages": [_as_text(each) for each in messages], "tools": None}
    )


def _tell(messages: list[Message], text: str) -> None:
    place = max((n for n, each in enumerate(messages) if each.role == "user"), default=0)
    before = messages[place - 1] if place else None
    if before is not None and before.role == "system":
        whole = f"{before.content}\n\n{text}"
        messages[place - 1] = before.model_copy(update={"content": whole})
    else:
        messages.insert(place, Message(role="system", content=text))


def _as_text(message: Message) -> Message:
    if message.role == "tool":
        content = write_result(message.tool_name or "the tool", message.content or "")
        return Message(role="user", content=content)
    if message.tool_calls:
        said = [message.content] if message.content else []
        calls = [write_call(_made(call)) for call in message.tool_calls]
        return Message(role="assistant", content="\n".join([*said, *calls]))
    return message


def _made(call: Call) -> ToolCall:
    return ToolCall(id="", name=call.function.name, arguments=call.function.arguments)


def continued(body: ChatBody, word: str) -> ChatBody:
    """Return ``body`` with an answer that has begun with ``word``."""
    return body.model_copy(
        update={"messages": [*body.messages, Message(role="assistant", content=word)]}
    )


def means_call(first_words: Mapping[str, float]) -> bool:
    """Say whether a model calls a tool, by the log probabilities of its first word."""
    calling, saying = _share(first_words, CALL), _share(first_words, SAY)
    return calling > 0.0 and calling / (calling + saying) >= NEEDED


def _share(first_words: Mapping[str, float], wanted: str) -> float:
    return sum(
        math.exp(weight)
        for word, weight in first_words.items()
        if word.strip() and wanted.startswith(word.strip())
    )


def grammar(tools: Sequence[ToolSchema]) -> str:
    """Return the grammar (llguidance's Lark) of one call of one of ``tools``, after ``CALL``."""
    names = [f"call_{number}" for number in range(len(tools))]
    rules = [
        f"{name}: %json {json.dumps(_call_schema(tool))}"
        for name, tool in zip(names, tools, strict=True)
    ]
    return "\n".join(["%llguidance {}", f'start: " " ({" | ".join(names)})', *rules, ""])


def _call_schema(tool: ToolSchema) -> JsonObject:
    arguments = _bounded(tool.parameters) | {"type": "object"}
    definitions = arguments.pop("$defs", None)
    schema: JsonObject = {
        "x-guidance": _FORM,
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": arguments},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }
    return schema if definitions is None else schema | {"$defs": definitions}


def _bounded(schema: Mapping[str, object]) -> JsonObject:
    """Return what of ``schema`` a grammar can hold a model to; arguments it does not name go."""
    bounded: JsonObject = {}
    for key, value in schema.items():
        if key in _SCHEMAS_BY_NAME and isinstance(value, Mapping):
            bounded[key] = {name: _bounded_item(each) for name, each in value.items()}
        elif key in _SCHEMA_LISTS and isinstance(value, list):
            bounded[key] = [_bounded_item(each) for each in value]
        elif key == "items":
            bounded[key] = _bounded_item(value)
        elif key == "maxLength" and isinstance(value, int) and value > _LONGEST_STRING:
            continue
        elif key in _KEPT_KEYS:
            bounded[key] = value
    if "properties" in bounded:
        bounded["additionalProperties"] = False
    return bounded


def _bounded_item(schema: object) -> object:
    return _bounded(schema) if isinstance(schema, Mapping) else schema


def read_call(text: str) -> Call | None:
    """Read the call a grammar made; ``None`` when it was cut off before its end."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return Call.model_validate({"function": value})
