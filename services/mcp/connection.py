"""One connection to a server, made anew whenever it is lost; importing this is slow."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from mcp import ClientSession, MCPError
from mcp_types import CONNECTION_CLOSED, INVALID_REQUEST, ToolListChangedNotification

from services.domain.clock import Clock
from services.domain.errors import Refused
from services.mcp.listing import Listing
from services.mcp.reaching import START_SECONDS, NotReached, Watch, connected, listed, short
from services.mcp.results import text_of

if TYPE_CHECKING:
    from services.settings import McpServer

logger = logging.getLogger(__name__)

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_LASTING_SECONDS = 60.0
_RELIST_SECONDS = 1.0
_CALLS_AT_ONCE = 4
_FAILED = "The tool failed and says:"
_NOT_CONNECTED = "is not connected right now; try again later"
_ENDED = "ended the connection"
_UNCLEAR = "sent an answer that cannot be understood"

OnListing = Callable[[Listing], Awaitable[None]]
OnLoss = Callable[[str], None]


class Connection:
    """Holds a connection to one server while ``run`` runs.

    ``on_listing`` gets the tools whenever they are listed, ``on_loss`` a sentence that says why the
    connection ended. The server is offered no sampling, no roots and no questions to people.
    """

    def __init__(
        self,
        name: str,
        settings: McpServer,
        *,
        clock: Clock,
        rng: random.Random,
        on_listing: OnListing,
        on_loss: OnLoss,
    ) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._on_listing = on_listing
        self._on_loss = on_loss
        self._session: ClientSession | None = None
        self._calls = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._lost = asyncio.Event()
        self._stirred = asyncio.Event()
        self._why = ""

    async def run(self) -> None:
        """Keep the connection until cancelled, pausing from 1 s up to 60 s before another try."""
        pause = _FIRST_PAUSE
        while True:
            began = self._clock.monotonic()
            try:
                await self._hold()
            except NotReached as error:
                self._on_loss(error.user_message)
            if self._clock.monotonic() - began >= _LASTING_SECONDS:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause * self._rng.uniform(0.8, 1.2))
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Have the server run ``tool`` and return its result as text.

        What the server says of a failure is a result as well, as its words are not acore's. Raises
        ``Refused`` when it does not answer. One that takes too long is given up: its process is
        killed, the connection made anew.
        """
        async with self._calls:
            session = self._session
            if session is None:
                raise self._refused(_NOT_CONNECTED)
            try:
                async with asyncio.timeout(self._settings.timeout_seconds):
                    result = await session.call_tool(tool, dict(arguments))
            except TimeoutError as error:
                late = f"did not answer within {self._settings.timeout_seconds:g} seconds"
                self._give_up(session, late)
                raise self._refused(late) from error
            except MCPError as error:
                if error.code in (CONNECTION_CLOSED, INVALID_REQUEST):  # HTTP: the session is over
                    self._give_up(session, _ENDED)
                    raise self._refused(_ENDED) from error
                return f"{_FAILED} {short(error.error.message)}"
            except Exception as error:  # a server outside may answer anything
                failed = {"server": self._name, "error": type(error).__name__}
                logger.warning("mcp call failed", extra=failed)
                raise self._refused(_UNCLEAR) from error
        text = text_of(result)
        return f"{_FAILED} {text}" if result.is_error else text

    def _refused(self, what: str) -> Refused:
        return Refused("mcp_call", f"The tool server {self._name} {what}.")

    def _give_up(self, session: ClientSession, why: str) -> None:
        if session is self._session:
            self._session = None
            self._lose(why)

    def _lose(self, why: str = _ENDED) -> None:
        if not self._lost.is_set():
            self._why = why
            self._lost.set()
            self._stirred.set()

    async def _hold(self) -> None:
        """Connect and stay so until the connection is lost. Raises ``NotReached`` in the end."""
        self._lost.clear()
        self._stirred.clear()
        watch = Watch(heed=self._heed, ended=self._lose)
        async with connected(self._name, self._settings, watch) as (session, listing):
            self._session = session
            try:
                await self._follow(session, listing)
            finally:
                self._session = None
            complaint = watch.complaint.line if self._why == _ENDED else ""
            said = f": {complaint}" if complaint else ""
            lost = NotReached(self._name, f"{self._why}{said}")
            self._on_loss(lost.user_message)  # ending the process takes a while
        raise lost

    async def _follow(self, session: ClientSession, listing: Listing) -> None:
        """Pass on the listing, and each that follows, until the connection is lost."""
        await self._on_listing(listing)
        while True:
            await self._stirred.wait()
            if self._lost.is_set():
                return
            await asyncio.sleep(_RELIST_SECONDS)  # a server may tell of changes without end
            self._stirred.clear()
            if self._lost.is_set():
                return
            async with asyncio.timeout(START_SECONDS):
                listing = await listed(self._name, session)
            await self._on_listing(listing)

    async def _heed(self, message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._stirred.set()
