"""Tool servers: reachable, and nothing that waits for approval."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from services.doctor.check import Case, Check, Finding, Found, fine, problem, skipped, warning
from services.domain.errors import AcoreError
from services.mcp.listing import Listing
from services.mcp.pins import Pinned, pinned
from services.storage.connection import sqlite_engine
from services.storage.location import database_path
from services.storage.schema import is_blank

if TYPE_CHECKING:
    from services.settings import McpServer

    _Look = Callable[[str, McpServer], Awaitable[Listing]]

_SECONDS = 45.0


async def _servers(case: Case) -> Found:
    servers = case.loaded.mcp.servers
    if not servers:
        return skipped("No tool servers are configured.")
    module = await asyncio.to_thread(importlib.import_module, "services.mcp.reaching")
    looks = (_server(case, name, server, module.look) for name, server in servers.items())
    return await asyncio.gather(*looks)


async def _server(case: Case, name: str, server: McpServer, look: _Look) -> Finding:
    if not server.enabled:
        return skipped(f"The tool server {name} is switched off.")
    try:
        listing = await look(name, server)
    except AcoreError as error:
        return warning(
            error.user_message,
            fix=f"Start it or correct mcp.servers.{name}; it is tried again by itself.",
            cause="dependency",
        )
    known = await asyncio.to_thread(_pinned, case, name)
    waiting = [
        tool.original for tool in listing.tools if known.digests.get(tool.original) != tool.digest
    ]
    if known.known and waiting:
        return warning(
            f"The tool server {name} has new or changed tools that wait for approval "
            f"({', '.join(waiting[:5])}).",
            fix=f"Look at them with /mcp list, then /mcp approve {name}.",
            cause="dependency",
        )
    return fine(f"The tool server {name} answers and lists {len(listing.tools)} tools.")


def _pinned(case: Case, name: str) -> Pinned:
    """Return what was decided about a server; nothing where the database cannot be asked."""
    try:
        path = database_path(case.storage)
        if is_blank(path):
            return Pinned()
        seconds = case.storage.busy_timeout_seconds
        with sqlite_engine(path, access="inspect", busy_timeout=seconds).connect() as connection:
            return pinned(connection, name)
    except (AcoreError, OSError, DBAPIError):
        return Pinned()


async def _serving(case: Case) -> Finding:
    mcp, web = case.loaded.mcp, case.loaded.web
    if not mcp.serve:
        return skipped("Characters are not offered to other programs.")
    if not web.enabled:
        return warning(
            "mcp.serve is on, but the web server is switched off.",
            fix="Set web.enabled to true, or mcp.serve to false.",
            cause="settings",
        )
    if mcp.token is None or not mcp.token.get_secret_value().strip():
        return problem(
            "mcp.serve is on without a token, so acore does not start.",
            fix="Write a long random ACORE_MCP__TOKEN=… into .env, or set mcp.serve to false.",
            cause="settings",
        )
    return fine("Characters are offered to other programs of this machine, with a token.")


CHECKS: Sequence[Check] = (
    Check(name="mcp_servers", area="tools", examine=_servers, seconds=_SECONDS),
    Check(name="mcp_serving", area="tools", examine=_serving),
)
