"""Tool calls as values; the tools themselves are described in ``services.toolbox``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.domain.messages import BlobPart


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to use a tool; ``arguments`` are unchecked."""

    id: str
    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a call gave: text for the model, and ``parts`` that belong to the answer itself."""

    call_id: str
    content: str
    is_error: bool = False
    parts: tuple[BlobPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSchema:
    """A tool as the model sees it; ``parameters`` is a JSON schema object."""

    name: str
    description: str
    parameters: Mapping[str, object]
