"""How the basic tools are put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import BaseModel

from services.toolbox.spec import ToolOutput, ToolSpec


def basic_tool(
    area: str,
    name: str,
    description: str,
    parameters: type[BaseModel],
    handler: Callable[..., Awaitable[str | ToolOutput]],
    keywords: str,
    pattern: str = "",
) -> ToolSpec:
    """Return a tool that asks nobody outside; ``keywords`` are parted by spaces."""
    return ToolSpec(
        name=name,
        area=area,
        description=description,
        parameters=parameters,
        handler=handler,
        keywords=tuple(keywords.split()),
        pattern=pattern,
        untrusted=False,
    )
