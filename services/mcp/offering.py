"""A tool of a server as the toolbox has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.domain.people import Role
from services.mcp.arguments import arguments_model
from services.mcp.listing import ListedTool
from services.toolbox.spec import Cost, Effect, ToolHandler, ToolSpec

if TYPE_CHECKING:
    from services.settings import McpServer

_WORD = re.compile(r"[A-Za-z]{3,}")
_MOST_KEYWORDS = 12
_SLACK_SECONDS = 2.0


def spec_of(tool: ListedTool, server: str, settings: McpServer, handler: ToolHandler) -> ToolSpec:
    """Return ``tool`` as it is offered.

    It is taken to act upon others unless the owner listed it as reading only, or trusts what the
    server says of its tools.
    """
    reads = tool.original in settings.read_only or (settings.trusted and tool.read_only)
    words = dict.fromkeys(word.lower() for word in _WORD.findall(f"{server} {tool.original}"))
    return ToolSpec(
        name=tool.name,
        description=tool.description,
        parameters=arguments_model(tool.schema),
        handler=handler,
        area=f"mcp:{server}",
        keywords=tuple(words)[:_MOST_KEYWORDS],
        permission=Role[settings.permission.upper()],
        timeout=settings.timeout_seconds + _SLACK_SECONDS,
        effect=Effect.READ if reads else Effect.OTHERS,
        cost=Cost.NETWORK,
        untrusted=True,
    )
