"""What clients of Ollama's routes send, and the same request in llama.cpp's own terms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

JsonObject = dict[str, object]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Function(_Body):
    """The name and arguments of a tool call."""

    name: str
    arguments: JsonObject = Field(default_factory=dict)


class Call(_Body):
    """A tool call an assistant message made."""

    function: Function


class Message(_Body):
    """One message of a chat."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = ""
    images: list[str] | None = None
    tool_calls: list[Call] | None = None
    tool_name: str | None = None


class Options(_Body):
    """Ollama's sampling options; ``num_ctx`` is constant here and therefore not read."""

    num_predict: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: Annotated[list[str] | str | None, Field(union_mode="left_to_right")] = None


Format = Literal["json", ""] | JsonObject | None


class ChatBody(_Body):
    """The body of ``/api/chat``."""

    model: str
    messages: list[Message] = Field(default_factory=list)
    tools: list[JsonObject] | None = None
    format: Format = None
    options: Options | None = None
    stream: bool = True
    think: bool | str | None = None


class GenerateBody(_Body):
    """The body of ``/api/generate``; ``suffix``, ``template`` and ``context`` are not supported."""

    model: str
    prompt: str = ""
    system: str = ""
    images: list[str] | None = None
    format: Format = None
    options: Options | None = None
    stream: bool = True
    raw: bool = False
    think: bool | str | None = None

    def as_chat(self) -> ChatBody:
        """Return the chat that asks the same."""
        messages = [Message(role="system", content=self.system)] if self.system else []
        if self.prompt:
            messages.append(Message(role="user", content=self.prompt, images=self.images))
        return ChatBody(
            model=self.model,
            messages=messages,
            format=self.format,
            options=self.options,
            stream=self.stream,
            think=self.think,
        )


class NamedBody(_Body):
    """A body that names a model, as ``model`` or in the older form ``name``."""

    model: str = ""
    name: str = ""
    stream: bool = True


def templated(body: ChatBody) -> JsonObject:
    """Return what decides the prompt's text: messages, tools and the reasoning switch."""
    request: JsonObject = {"messages": list(_messages(body.messages))}
    if body.tools:
        request["tools"] = body.tools
    if isinstance(body.think, bool):
        request["chat_template_kwargs"] = {"enable_thinking": body.think}
    return request


def sampling(body: ChatBody | GenerateBody) -> JsonObject:
    """Return how tokens are chosen, when to stop, and the shape the answer must have."""
    request: JsonObject = {}
    if body.options is not None:
        request = body.options.model_dump(exclude_none=True, exclude={"num_predict"})
        if body.options.num_predict is not None:
            request["max_tokens"] = max(body.options.num_predict, -1)
    if isinstance(body.format, dict):
        request["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": body.format},
        }
    elif body.format == "json":
        request["response_format"] = {"type": "json_object"}
    return request


def _messages(messages: list[Message]) -> Iterator[JsonObject]:
    """Give every call an id, because Ollama has none, and answer the calls in their order."""
    made, answered = 0, 0
    for message in messages:
        converted: JsonObject = {"role": message.role, "content": message.content or ""}
        if message.tool_calls:
            converted["tool_calls"] = [
                {
                    "id": _call_id(made + place),
                    "type": "function",
                    "function": {
                        "name": call.function.name,
                        "arguments": json.dumps(call.function.arguments, ensure_ascii=False),
                    },
                }
                for place, call in enumerate(message.tool_calls)
            ]
            made += len(message.tool_calls)
        if message.role == "tool":
            converted["tool_call_id"] = _call_id(answered)
            converted["name"] = message.tool_name or "tool"
            answered += 1
        yield converted


def _call_id(number: int) -> str:
    # Nine letters and digits: the form that the strictest chat formats demand.
    return f"call{number:05d}"
