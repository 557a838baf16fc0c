"""Ollama's chat format: requests written, answer lines read."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

from services.domain.replies import Usage
from services.llm.answer import Line, NativeCall
from services.llm.byte_lines import MalformedLine
from services.llm.model import (
    ChatRequest,
    ModelInfo,
    Priority,
    PromptMessage,
    Sampling,
    ToolSchema,
)
from services.llm.text_protocol import as_text
from services.llm.unseen import without_pictures

PREFILL_HEADER = {"X-Acore-Prefill": "1"}
BACKGROUND_HEADER = {"X-Acore-Priority": "background"}


def chat_headers(request: ChatRequest) -> Mapping[str, str]:
    """Return what tells our own server how urgent the call is; others ignore it."""
    if request.prefill:
        return PREFILL_HEADER
    return BACKGROUND_HEADER if request.priority is Priority.BACKGROUND else {}


def chat_body(
    request: ChatRequest, info: ModelInfo, *, native_tools: bool, think: bool, keep_alive: str
) -> dict[str, object]:
    """Write ``request`` for ``/api/chat``; without ``native_tools`` tools are told as text."""
    messages = request.messages if info.vision else without_pictures(request.messages)
    if not native_tools:
        messages = as_text(messages, request.tools)
    body: dict[str, object] = {
        "model": info.name,
        "messages": [_message(message) for message in messages],
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


def _message(message: PromptMessage) -> dict[str, object]:
    written: dict[str, object] = {"role": message.role.value, "content": message.content}
    if message.images:
        written["images"] = [base64.b64encode(image).decode() for image in message.images]
    if message.tool_calls:
        written["tool_calls"] = [
            {"function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_name is not None:
        written["tool_name"] = message.tool_name
    return written


def read_line(line: Mapping[str, object]) -> Line:
    """Read one answer line; raises ``MalformedLine``."""
    message = line.get("message", {})
    done = line.get("done", False)
    if not isinstance(message, Mapping) or not isinstance(done, bool) or not (done or message):
        raise MalformedLine
    content, thinking = _text(message, "content"), _text(message, "thinking")
    calls = tuple(_calls(message.get("tool_calls")))
    if not done:
        return Line(content=content, thinking=thinking, calls=calls)
    return Line(
        content=content,
        thinking=thinking,
        calls=calls,
        finish="length" if _text(line, "done_reason") == "length" else "stop",
        done=True,
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


def _calls(value: object) -> Iterator[NativeCall]:
    for item in value if isinstance(value, list) else ():
        function = item.get("function") if isinstance(item, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise MalformedLine
        arguments = function.get("arguments") or {}
        if not isinstance(arguments, Mapping):
            raise MalformedLine
        yield NativeCall(name=function["name"], arguments=arguments)
