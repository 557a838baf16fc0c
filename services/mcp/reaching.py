"""Reaching a server and listing its tools, or saying why that cannot be; importing this is slow."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp import ClientSession, MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    METHOD_NOT_FOUND,
    UNSUPPORTED_PROTOCOL_VERSION,
    CallToolResult,
    Implementation,
    PaginatedRequestParams,
    Tool,
)
from pydantic import SecretStr

from services.domain.errors import AcoreError
from services.mcp.listing import MOST_TOOLS, Listing, RawTool, listing_of
from services.mcp.process import Complaint, Program, running
from services.mcp.web import Statuses, reached

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams
    from mcp.client.session import IncomingMessage, MessageHandlerFnT

    from services.settings import McpServer

logger = logging.getLogger(__name__)
logging.getLogger("mcp").setLevel(logging.CRITICAL)  # its lines quote what is sent

START_SECONDS = 30.0
"""How long a server may take to start and to list its tools."""

_MOST_PAGES = 50
_LONGEST_REASON = 300
_REFUSALS = (401, 403)
_ACORE = Implementation(name="acore", version="")


class NotReached(AcoreError):  # noqa: N818
    """A server cannot be used; ``user_message`` says why."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__("mcp_not_reached", f"The tool server {server} {reason}.")


class _Session(ClientSession):
    """Asks a server, and leaves what it says of the form of its results unread."""

    async def validate_tool_result(self, name: str, result: CallToolResult) -> None:
        """Accept any form: checking it would run patterns of the server's own writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is told of a connection: news from the server, its end, and what it complains of."""

    heed: MessageHandlerFnT
    ended: Callable[[], None]
    complaint: Complaint = field(default_factory=Complaint)


async def look(name: str, settings: McpServer) -> Listing:
    """Connect to a server, list its tools and disconnect. Raises ``NotReached``."""

    async def heed(message: IncomingMessage) -> None:
        """Ask nothing more, whatever changes."""

    watch = Watch(heed=heed, ended=lambda: None)
    async with connected(name, settings, watch) as (_, listing):
        return listing


@asynccontextmanager
async def connected(
    name: str, settings: McpServer, watch: Watch
) -> AsyncIterator[tuple[ClientSession, Listing]]:
    """Give a session with a server and its tools while the block runs.

    Raises ``NotReached`` when there is none, or when it fails while the block runs.
    """
    statuses = Statuses()
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(START_SECONDS):
                streams = await stack.enter_async_context(_opened(name, settings, watch, statuses))
                asking = _Session(*streams, message_handler=watch.heed, client_info=_ACORE)
                session = await stack.enter_async_context(asking)
                await _shake_hands(session)
                listing = await listed(name, session)
            yield session, listing
    except NotReached:
        raise
    except Exception as error:  # a server outside may fail in any way
        reason = _reason(error, watch.complaint.line, statuses.last)
        logger.info("mcp server not reached", extra={"server": name, "reason": reason})
        raise NotReached(name, reason) from error


@asynccontextmanager
async def _opened(
    name: str, settings: McpServer, watch: Watch, statuses: Statuses
) -> AsyncIterator[TransportStreams]:
    if settings.url:
        token = None if settings.token is None else _value(name, settings.token)
        async with reached(settings.url, token, statuses=statuses) as streams:
            yield streams
    else:
        program = Program(
            command=settings.command or "",
            arguments=settings.args,
            variables={key: _value(name, value) for key, value in settings.env.items()},
        )
        async with running(program, complaint=watch.complaint, on_end=watch.ended) as pipes:
            yield pipes


async def _shake_hands(session: ClientSession) -> None:
    try:
        await session.initialize()
    except MCPError as error:
        if error.code not in (UNSUPPORTED_PROTOCOL_VERSION, METHOD_NOT_FOUND):
            raise
        await session.discover()  # a server that knows the newest revision only


async def listed(server: str, session: ClientSession) -> Listing:
    """Return what a server lists, asking for no more pages than are needed."""
    found: list[RawTool] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        found += map(_raw, page.tools)
        cursor = page.next_cursor
        if not cursor or len(found) > MOST_TOOLS:
            break
    # Hashing and cutting many large schemas takes long.
    return await asyncio.to_thread(listing_of, server, found, cut=bool(cursor))


def _raw(tool: Tool) -> RawTool:
    annotations = tool.annotations
    return RawTool(
        name=tool.name,
        description=tool.description or tool.title or "",
        schema=tool.input_schema,
        annotations={}
        if annotations is None
        else annotations.model_dump(by_alias=True, mode="json", exclude_none=True),
    )


def _value(server: str, given: SecretStr) -> str:
    text = given.get_secret_value()
    if not text.startswith("$"):
        return text
    value = os.environ.get(text[1:])
    if value is None:
        reason = f"is to get the variable {text[1:]}, which is not set"
        raise NotReached(server, reason)
    return value


def _reason(error: BaseException, complaint: str, status: int | None) -> str:
    """Return why a server could not be used, to follow its name."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        reason = "does not answer"
    elif isinstance(error, FileNotFoundError):
        reason = "cannot be started: there is no such command"
    elif isinstance(error, OSError) and error.strerror:
        reason = f"cannot be started: {error.strerror}"
    elif status in _REFUSALS:
        reason = "refuses the token"
    elif status is not None:
        reason = f"answers with status {status}"
    elif isinstance(error, MCPError) and error.code == CONNECTION_CLOSED:
        reason = "ended before it was ready"
    elif isinstance(error, MCPError):
        reason = f"cannot be reached: {short(error.error.message)}"
    else:
        reason = f"cannot be reached ({type(error).__name__})"
    return f"{reason}: {complaint}" if complaint else reason


def short(text: str) -> str:
    """Return the beginning of what a server says, in one line."""
    words = " ".join(text[: 2 * _LONGEST_REASON].split()).rstrip(".")
    return words[:_LONGEST_REASON]
