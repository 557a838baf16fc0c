"""Rewrites a prompt for models that know tools only as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.llm.model import PromptMessage, PromptRole, ToolSchema
from services.llm.tool_text import describe_tools, write_call, write_result


def as_text(
    messages: Sequence[PromptMessage], tools: Sequence[ToolSchema]
) -> Sequence[PromptMessage]:
    """Return ``messages`` with tools explained in a system message, calls and results as text.

    They are explained right before the last message of a person, and stay there through all rounds
    of calls: what comes before is the same whichever tools are offered, so servers find it in their
    prompt cache.
    """
    written = list(_without_tool_roles(messages))
    explanation = describe_tools(tools)
    if not explanation:
        return written
    people = [n for n, message in enumerate(messages) if message.role is PromptRole.USER]
    place = people[-1] if people else len(written)
    before = written[place - 1] if place else None
    if before is not None and before.role is PromptRole.SYSTEM:
        written[place - 1] = replace(before, content=f"{before.content}\n\n{explanation}")
        return written
    system = PromptMessage(role=PromptRole.SYSTEM, content=explanation, source="tools")
    return [*written[:place], system, *written[place:]]


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
