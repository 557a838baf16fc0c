"""What a tool from outside answers, as text for a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock

LONGEST_RESULT = 8_000
"""Characters of a result that are handed on at most."""

_MOST_BLOCKS = 50


def text_of(result: CallToolResult) -> str:
    """Return a result's text; what is no text is described, and what is too long is cut."""
    parts: list[str] = []
    room = LONGEST_RESULT
    for text in _texts(result):
        parts.append(text[:room])
        room -= len(parts[-1])
        if room <= 0:
            parts.append("[cut]")
            break
    return "\n".join(parts) or "Done; there is nothing to tell."


def _texts(result: CallToolResult) -> Iterator[str]:
    for block in result.content[:_MOST_BLOCKS]:
        yield _text(block)
    if len(result.content) > _MOST_BLOCKS:
        yield f"[{len(result.content) - _MOST_BLOCKS} more parts]"
    if not result.content and result.structured_content is not None:
        yield json.dumps(result.structured_content, ensure_ascii=False)


def _text(block: ContentBlock) -> str:
    if block.type == "text":
        return block.text
    if block.type == "image" or block.type == "audio":
        size = len(block.data) * 3 // 4
        return f"[{block.type}, {block.mime_type[:60]}, {size:,} bytes; not shown]"
    if block.type == "resource_link":
        return f"[link: {block.name[:100]}, {str(block.uri)[:300]}]"
    resource = block.resource
    text = getattr(resource, "text", None)
    if isinstance(text, str):
        return text
    return f"[file: {str(resource.uri)[:300]}; not shown]"
