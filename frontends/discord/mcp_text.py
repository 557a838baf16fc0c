"""Tool servers as people read them in Discord."""

from __future__ import annotations

from collections.abc import Sequence

from frontends.discord.memory_text import shown
from frontends.discord.paging import bundled
from services.mcp.views import ServerView

_NONE = "No tool servers are configured."
_LONGEST_LINE = 250


def server_text(view: ServerView) -> str:
    """Return how a server does; its own words are shown as they are, with nothing formatted."""
    name, *more = (shown(line, longest=_LONGEST_LINE) for line in view.lines())
    return "\n".join([f"**{name}**", *more])


def server_pages(views: Sequence[ServerView]) -> Sequence[str]:
    """Return all servers as pages."""
    return bundled([server_text(view) for view in views] or [_NONE])
