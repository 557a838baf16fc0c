"""Ollama's chat format: requests written, answer lines read."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.domain.replies import Usage
from services.llm.model import (
    ChatRequest,
    ModelInfo,
    Priority,
    PromptMessage,
    PromptRole,
    Sampling,
    ToolSchema,
)
from services.llm.tool_text import describe_tools, write_call, write_result

PREFILL_HEADER = {"X-Acore-Prefill": "1"}
BACKGROUND_HEADER = {"X-Acore-Priority": "background"}


class MalformedLine(ValueError):  # noqa: N818
    """A line of an answer is not of Ollama's form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a streamed answer; ``usage`` comes with the last one."""

    content: str = ""
    thinking: str = ""
    calls: Sequence[tuple[str, Mapping[str, object]]] = ()
    done: bool = False
    done_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)


def chat_headers(request: ChatRequest) -> Mapping[str, str]:
    """Return what tells our own server how urgent the call is; others ignore it."""
    if request.prefill:
        return PREFILL_HEADER
    return BACKGROUND_HEADER if request.priority is Priority.BACKGROUND else {}


def chat_body(
    request: ChatRequest, info: ModelInfo, *, native_tools: bool, think: bool, keep_alive: str
) -> dict[str, object]:
    """Write ``request`` for ``/api/chat``; without ``native_tools`` tools are told as text."""
    messages = request.messages
    if not native_tools:
        messages = _as_text(messages, request.tools)
    body: dict[str, object] = {
        "model": info.name,
        "messages": [_message(message, images=info.vision) for message in messages],
        "stream": True,
        "keep_alive": keep_alive,
        "options": _options(request, info.context_tokens),
    }
    if request.tools and native_tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.schema is not None:
        body["format"] = request.schema
    if think and request.think is not None:
        body["think"] = request.think
    return body


def _options(request: ChatRequest, context_tokens: int) -> dict[str, object]:
    sampling: Sampling = request.sampling
    options = {
        "num_ctx": context_tokens,
        "num_predict": 1 if request.prefill else sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repeat_penalty,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _tool(tool: ToolSchema) -> dict[str, object]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


def _message(message: PromptMessage, *, images: bool) -> dict[str, object]:
    written: dict[str, object] = {"role": message.role.value, "content": message.content}
    if images and message.images:
        written["images"] = [base64.b64encode(image).decode() for image in message.images]
    if message.tool_calls:
        written["tool_calls"] = [
            {"function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_name is not None:
        written["tool_name"] = message.tool_name
    return written


def _as_text(
    messages: Sequence[PromptMessage], tools: Sequence[ToolSchema]
) -> Sequence[PromptMessage]:
    """Rewrite tools, calls and results for a model that knows only text."""
    written = list(_without_tool_roles(messages))
    explanation = describe_tools(tools)
    if not explanation:
        return written
    if written and written[0].role is PromptRole.SYSTEM:
        written[0] = replace(written[0], content=f"{written[0].content}\n\n{explanation}")
        return written
    system = PromptMessage(role=PromptRole.SYSTEM, content=explanation, source="tools")
    return [system, *written]


def _without_tool_roles(messages: Sequence[PromptMessage]) -> Iterator[PromptMessage]:
    for message in messages:
        if message.tool_calls:
            calls = [write_call(call) for call in message.tool_calls]
            content = "\n".join([message.content, *calls] if message.content else calls)
            yield replace(message, content=content, tool_calls=())
        elif message.role is PromptRole.TOOL:
            content = write_result(message.tool_name or "the tool", message.content)
            yield replace(message, role=PromptRole.USER, content=content, tool_name=None)
        else:
            yield message


def read_line(line: Mapping[str, object]) -> Line:
    """Read one answer line; raises ``MalformedLine``."""
    message = line.get("message", {})
    done = line.get("done", False)
    if not isinstance(message, Mapping) or not isinstance(done, bool) or not (done or message):
        raise MalformedLine
    return Line(
        content=_text(message, "content"),
        thinking=_text(message, "thinking"),
        calls=tuple(_calls(message.get("tool_calls"))),
        done=done,
        done_reason=_text(line, "done_reason") or "stop",
        usage=Usage(
            prompt_tokens=_count(line, "prompt_eval_count"),
            cached_tokens=_count(line, "prompt_eval_cached"),
            completion_tokens=_count(line, "eval_count"),
        ),
    )


def _text(source: Mapping[str, object], key: str) -> str:
    value = source.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedLine
    return value


def _count(source: Mapping[str, object], key: str) -> int:
    value = source.get(key)
    return value if isinstance(value, int) and value > 0 else 0


def _calls(value: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    for item in value if isinstance(value, list) else ():
        function = item.get("function") if isinstance(item, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise MalformedLine
        arguments = function.get("arguments") or {}
        if not isinstance(arguments, Mapping):
            raise MalformedLine
        yield function["name"], arguments
