"""Commands about the servers whose tools are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from frontends.console.wording import printable
from services.domain.errors import InvalidRequest
from services.mcp.views import ServerView

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_USAGE = "Write /mcp list, /mcp approve SERVER, /mcp enable SERVER or /mcp disable SERVER."
_NONE = "No tool servers are configured; docs/mcp.md says how."


async def _mcp(talk: Talk, argument: str) -> None:
    servers = talk.mcp_servers
    match argument.split():
        case [] | ["list"]:
            _report(talk, servers.overview(role=talk.role))
        case ["approve", name]:
            _report(talk, [await servers.approve(name, role=talk.role)])
        case [("enable" | "disable") as word, name]:
            enabled = word == "enable"
            _report(talk, [await servers.switch(name, enabled=enabled, role=talk.role)])
        case _:
            raise InvalidRequest("mcp_usage", _USAGE)


def _report(talk: Talk, views: Sequence[ServerView]) -> None:
    lines = [printable(line) for view in views for line in view.lines()]
    fields = {"servers": [view.as_json() for view in views]}
    talk.view.report(Report(kind="mcp", lines=lines or [_NONE], fields=fields))


MCP_COMMANDS = (
    SlashCommand(
        name="mcp",
        argument="[list|approve|enable|disable SERVER]",
        summary="See the servers whose tools are used, and say which may be.",
        perform=_mcp,
    ),
)
