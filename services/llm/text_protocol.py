"""Rewrites a prompt for models that know tools only as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.llm.model import PromptMessage, PromptRole, ToolSchema
from services.llm.tool_text import describe_tools, write_call, write_result


def as_text(
    messages: Sequence[PromptMessage], tools: Sequence[ToolSchema]
) -> Sequence[PromptMessage]:
    """Return ``messages`` with tools explained in the system message, calls and results as text."""
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
            yield replace(
                message, role=PromptRole.USER, content=content, tool_name=None, tool_call_id=None
            )
        else:
            yield message
