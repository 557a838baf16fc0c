"""The servers whose tools are used: what they offer, what was approved, and how they do."""

from __future__ import annotations

import asyncio
import importlib
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound, Refused
from services.domain.people import Role
from services.lifecycle import Supervisor
from services.mcp.listing import Listing
from services.mcp.offering import spec_of
from services.mcp.pins import Pinned, Pins
from services.mcp.views import ServerView
from services.toolbox.spec import ToolContext, ToolSpec
from services.toolbox.toolbox import Toolbox

if TYPE_CHECKING:
    from services.mcp.connection import Connection
    from services.settings import McpServer, McpSettings

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Server:
    """What is known of a server while acore runs."""

    name: str
    settings: McpServer
    pinned: Pinned = field(default_factory=Pinned)
    connection: Connection | None = None
    listing: Listing | None = None
    specs: Mapping[str, ToolSpec] = field(default_factory=dict)
    seen: Listing | None = None
    """What an owner looked at last."""
    offered: dict[str, str] = field(default_factory=dict)
    """The digests of the tools that stand in the toolbox, by name."""
    trouble: str = ""
    told: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class McpServers:
    """Keeps a connection to every server while entered, and its approved tools in the toolbox.

    The first list of tools of a server is approved by itself; a tool that is added or changed later
    is not offered before an owner has approved the list. A server that cannot be reached has no
    tools meanwhile and delays nothing else.
    """

    def __init__(
        self,
        settings: McpSettings,
        *,
        toolbox: Toolbox,
        pins: Pins,
        clock: Clock,
        rng: random.Random,
        announce: Callable[[str, str], None],
    ) -> None:
        self._toolbox = toolbox
        self._pins = pins
        self._clock = clock
        self._rng = rng
        self._announce = announce
        self._servers = {
            name: _Server(name=name, settings=each) for name, each in settings.servers.items()
        }
        self._supervisor = Supervisor()

    async def __aenter__(self) -> Self:
        self._supervisor = await Supervisor().__aenter__()
        for server in self._servers.values():
            if server.settings.enabled:
                name = f"mcp {server.name}"
                self._supervisor.start(name, partial(self._keep, server), restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)
        for server in self._servers.values():
            self._withdraw(server)

    def overview(self, *, role: Role) -> Sequence[ServerView]:
        """Return every server; raises ``NotAllowed`` for others than owners."""
        _owners_only(role)
        for server in self._servers.values():
            server.seen = server.listing
        return [_view(server) for server in self._servers.values()]

    async def approve(self, name: str, *, role: Role) -> ServerView:
        """Approve the tools that ``overview`` showed, and use the server.

        Raises ``NotAllowed``, ``NotFound``, or ``InvalidRequest`` while it cannot be reached or
        when it lists others by now.
        """
        server = self._find(name, role)
        async with server.lock:
            if server.listing is None:
                raise InvalidRequest(
                    "mcp_unreachable",
                    f"{name} cannot be reached, so there is nothing to approve; see /mcp list.",
                )
            if server.seen != server.listing:
                raise InvalidRequest(
                    "mcp_unseen", f"Look at the tools of {name} first, with /mcp list."
                )
            await self._approve(server, server.listing)
            self._offer(server)
        return _view(server)

    async def switch(self, name: str, *, enabled: bool, role: Role) -> ServerView:
        """Use a server's approved tools, or none of them, until told otherwise.

        Raises ``NotAllowed``, ``NotFound``.
        """
        server = self._find(name, role)
        async with server.lock:
            await self._pins.switch(name, enabled=enabled)
            server.pinned = await self._pins.of(name)
            self._offer(server)
        return _view(server)

    def _find(self, name: str, role: Role) -> _Server:
        _owners_only(role)
        server = self._servers.get(name.strip().lower())
        if server is None:
            known = ", ".join(self._servers) or "none"
            raise NotFound("mcp_server", f"There is no such tool server; there are: {known}.")
        return server

    async def _keep(self, server: _Server) -> None:
        """Hold the connection; the protocol's library is loaded only here, beside the loop."""
        server.pinned = await self._pins.of(server.name)
        module = await asyncio.to_thread(importlib.import_module, "services.mcp.connection")
        server.connection = module.Connection(
            server.name,
            server.settings,
            clock=self._clock,
            rng=self._rng,
            on_listing=partial(self._listed, server),
            on_loss=partial(self._lost, server),
        )
        await server.connection.run()

    async def _listed(self, server: _Server, listing: Listing) -> None:
        specs = await asyncio.to_thread(self._specs, server, listing)  # many take long to build
        async with server.lock:
            if not server.pinned.known and server.pinned.enabled:
                await self._approve(server, listing)
            server.listing, server.specs, server.trouble = listing, specs, ""
            self._offer(server)
        if pending := _pending(server):
            names = ", ".join(name for name, _ in pending[:5])
            self._tell(
                server,
                "mcp_approval_needed",
                f"The tool server {server.name} has new or changed tools ({names}); an owner can "
                f"look at them with /mcp list and allow them with /mcp approve {server.name}.",
            )
        elif listing.cut:
            self._tell(
                server,
                "mcp_tools_cut",
                f"The tool server {server.name} lists more tools than are taken: the first "
                f"{len(listing.tools)} are.",
            )

    def _specs(self, server: _Server, listing: Listing) -> Mapping[str, ToolSpec]:
        return {
            tool.name: spec_of(
                tool, server.name, server.settings, partial(self._call, server, tool.original)
            )
            for tool in listing.tools
        }

    def _lost(self, server: _Server, reason: str) -> None:
        server.listing, server.trouble = None, reason
        self._withdraw(server)
        self._tell(server, "mcp_unreachable", f"{reason} It is tried again by itself.")

    def _tell(self, server: _Server, code: str, text: str) -> None:
        """Announce something about a server, unless that was the last thing announced of it."""
        if server.told != text:
            server.told = text
            self._announce(code, text)

    async def _approve(self, server: _Server, listing: Listing) -> None:
        digests = {tool.original: tool.digest for tool in listing.tools}
        await self._pins.approve(server.name, digests)
        server.pinned = await self._pins.of(server.name)

    def _offer(self, server: _Server) -> None:
        """Put exactly the approved tools that are listed into the toolbox."""
        wanted = {}
        if server.pinned.enabled and server.listing is not None:
            wanted = {
                tool.name: tool
                for tool in server.listing.tools
                if server.pinned.digests.get(tool.original) == tool.digest
            }
        for name, digest in list(server.offered.items()):
            if name not in wanted or wanted[name].digest != digest:
                self._toolbox.remove(name)
                del server.offered[name]
        for name, tool in wanted.items():
            if name in server.offered:
                continue
            try:
                self._toolbox.add(server.specs[name])
            except ValueError:
                logger.warning("mcp tool name taken", extra={"server": server.name, "tool": name})
            else:
                server.offered[name] = tool.digest

    def _withdraw(self, server: _Server) -> None:
        for name in server.offered:
            self._toolbox.remove(name)
        server.offered.clear()

    async def _call(
        self, server: _Server, tool: str, arguments: BaseModel, _context: ToolContext
    ) -> str:
        if server.connection is None:
            raise Refused("mcp_call", f"The tool server {server.name} is not connected right now.")
        return await server.connection.call(tool, arguments.model_dump())


def _pending(server: _Server) -> list[tuple[str, str]]:
    if server.listing is None:
        return []
    return [
        (tool.original, tool.description)
        for tool in server.listing.tools
        if server.pinned.digests.get(tool.original) != tool.digest
    ]


def _view(server: _Server) -> ServerView:
    if not (server.settings.enabled and server.pinned.enabled):
        state = "off"
    elif server.listing is not None:
        state = "ready"
    else:
        state = "unreachable" if server.trouble else "waiting"
    return ServerView(
        name=server.name,
        state=state,
        tools=tuple(server.offered),
        pending=_pending(server),
        trouble=server.trouble,
        cut=server.listing is not None and server.listing.cut,
    )


def _owners_only(role: Role) -> None:
    if role < Role.OWNER:
        raise NotAllowed("mcp_owner", "Tool servers are for the owner of this installation.")
