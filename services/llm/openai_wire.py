"""OpenAI's chat format: requests written, pieces of a streamed answer read."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from services.domain.replies import Usage
from services.llm.answer import Line
from services.llm.byte_lines import MalformedLine
from services.llm.model import ChatRequest, ModelInfo, PromptMessage, PromptRole, ToolSchema
from services.llm.openai_calls import CallPieces
from services.llm.openai_kinds import HostedKind
from services.llm.text_protocol import as_text
from services.llm.unseen import without_pictures

DONE = b"[DONE]"
_COMMON = {name: name for name in ("temperature", "top_p", "seed", "stop")}
_MEDIA_TYPES = ((b"\xff\xd8", "image/jpeg"), (b"GIF8", "image/gif"), (b"RIFF", "image/webp"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one model's server turned out not to take.

    ``efforts`` counts the wordings of the reasoning switch it refused.
    """

    refused: frozenset[str] = frozenset()
    efforts: int = 0
    completion_tokens: bool = False


class StreamFailed(Exception):  # noqa: N818
    """A server reported an error inside a stream; ``body`` is what it said."""

    def __init__(self, body: object) -> None:
        super().__init__("error in the stream")
        self.body = body


class AnswerFiltered(Exception):  # noqa: N818
    """The provider's content filter ended the answer."""


def chat_body(
    request: ChatRequest, info: ModelInfo, kind: HostedKind, dialect: Dialect
) -> dict[str, object]:
    """Write ``request`` for ``/chat/completions``; without native tools they are told as text."""
    messages = request.messages if info.vision else without_pictures(request.messages)
    messages = messages if info.tools else as_text(messages, request.tools)
    limit = "max_completion_tokens" if dialect.completion_tokens else "max_tokens"
    body: dict[str, object] = {
        "model": info.name,
        "messages": [_message(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        limit: request.sampling.max_tokens,
        **_sampling(request, kind),
    }
    if request.tools and info.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.schema is not None:
        schema = {"name": "answer", "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.think is not None and info.thinking:
        wordings = kind.thinking[request.think]
        if dialect.efforts < len(wordings):
            body.update(wordings[dialect.efforts])
    return {name: value for name, value in body.items() if name not in dialect.refused}


def _sampling(request: ChatRequest, kind: HostedKind) -> dict[str, object]:
    names = {**_COMMON, **kind.sampling}
    written: dict[str, object] = {}
    for each in fields(request.sampling):
        value = getattr(request.sampling, each.name)
        if each.name in names and value is not None and value != ():
            written[names[each.name]] = list(value) if isinstance(value, tuple) else value
    return written


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
        pictures = [
            {"type": "image_url", "image_url": {"url": _data_url(image)}}
            for image in message.images
        ]
        text = [{"type": "text", "text": message.content}] if message.content else []
        written["content"] = [*text, *pictures]
    if message.tool_calls:
        written["content"] = message.content or None
        written["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": json.dumps(call.arguments, ensure_ascii=False, default=str),
                },
            }
            for call in message.tool_calls
        ]
    if message.role is PromptRole.TOOL:
        written["tool_call_id"] = message.tool_call_id or ""
    return written


def _data_url(image: bytes) -> str:
    media_type = next((each for magic, each in _MEDIA_TYPES if image.startswith(magic)), "")
    return f"data:{media_type or 'image/png'};base64,{base64.b64encode(image).decode()}"


class AnswerReader:
    """Reads the events of one streamed answer; also one that comes whole."""

    def __init__(self) -> None:
        self._pieces = CallPieces()

    def read(self, data: bytes) -> Line:
        """Read one event.

        Raises ``MalformedLine`` or another ``ValueError`` for what is not understood,
        ``StreamFailed`` for a reported error and ``AnswerFiltered``.
        """
        if data == DONE:
            return Line(calls=self._pieces.finished(cut=False), done=True)
        try:
            chunk = json.loads(data)
        except RecursionError as error:
            raise MalformedLine from error
        if not isinstance(chunk, dict):
            raise MalformedLine
        if chunk.get("error") or chunk.get("object") == "error":
            raise StreamFailed(chunk)
        choices, usage = chunk.get("choices"), chunk.get("usage")
        counted = _usage(usage) if isinstance(usage, Mapping) else None
        if not choices and (isinstance(choices, list) or counted):
            return Line(usage=counted)
        if not isinstance(choices, list) or not isinstance(choices[0], Mapping):
            raise MalformedLine
        return self._choice(choices[0], counted)

    def _choice(self, choice: Mapping[str, object], usage: Usage | None) -> Line:
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, Mapping):
            raise MalformedLine
        called = self._pieces.take(delta.get("tool_calls"))
        finish = _finish(choice.get("finish_reason"))
        return Line(
            content=_content(delta.get("content")) + _text(delta.get("refusal")),
            thinking=_thought(delta),
            calls=self._pieces.finished(cut=finish == "length") if finish else (),
            begun=called,
            finish=finish,
            usage=usage,
        )


def _finish(reason: object) -> Literal["", "stop", "length"]:
    if reason == "content_filter":
        raise AnswerFiltered
    if reason == "error":
        raise StreamFailed({})
    if not reason:
        return ""
    return "length" if reason in ("length", "max_tokens") else "stop"


def _thought(delta: Mapping[str, object]) -> str:
    """Return the thought, which some servers send under two names at once."""
    found = (delta.get(name) for name in ("reasoning", "reasoning_content"))
    return next((text for text in found if isinstance(text, str) and text), "")


def _content(value: object) -> str:
    """Return text that comes as such or as a list of parts."""
    if not isinstance(value, list):
        return _text(value)
    texts = (part.get("text") for part in value if isinstance(part, Mapping))
    return "".join(text for text in texts if isinstance(text, str))


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedLine
    return value


def _usage(usage: Mapping[str, object]) -> Usage:
    details = usage.get("prompt_tokens_details")
    return Usage(
        prompt_tokens=_count(usage, "prompt_tokens"),
        cached_tokens=_count(details, "cached_tokens") if isinstance(details, Mapping) else 0,
        completion_tokens=_count(usage, "completion_tokens"),
    )


def _count(source: Mapping[str, object], key: str) -> int:
    value = source.get(key)
    return value if isinstance(value, int) and value > 0 else 0
