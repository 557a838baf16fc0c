"""Going from one connection to a voice server to the next, whatever ends each of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final, Protocol

import aiohttp
from discord.errors import ConnectionClosed

from frontends.discord.voice.news import Bell, News
from frontends.discord.voice.persistence import Ending, Persistence, Way, way_after

logger = logging.getLogger(__name__)

_NEWS_SECONDS: Final = 2.0
"""How long after a server dismissed the bot news of another server, or of the end, may come."""
_HANDSHAKE_SECONDS, _RESUME_SECONDS = 8.0, 3.0


class Line(Protocol):
    """What is done for a connection; everything may raise what the network and discord.py raise."""

    async def join(self) -> None:
        """Ask the main gateway where the call is, and wait until it said so."""
        ...

    async def identify(self) -> None:
        """Begin a session with the voice server."""
        ...

    async def resume(self) -> None:
        """Go on with the session there is."""
        ...

    def established(self) -> None:
        """Take note that sound can go both ways."""
        ...

    async def listen(self) -> None:
        """Take the next frame of the voice server."""
        ...

    async def hang_up(self) -> None:
        """Close what is open to the voice server; raises nothing."""
        ...


class Attendance:
    """Keeps a line up until there is an ``ending``.

    Args:
        news: Where the call is; whoever changes it calls ``follow``.
        bell: Rung after every change.
        now: The loop's time.
    """

    def __init__(self, news: News, bell: Bell, now: Callable[[], float]) -> None:
        self.ending: Ending | None = None
        self.refusal: ConnectionClosed | None = None
        self._news = news
        self._bell = bell
        self._now = now
        self._scope: asyncio.Timeout | None = None
        self._established_at: float | None = None

    @property
    def over(self) -> bool:
        """Whether no further connection is made."""
        return self.ending is not None

    def end(self, ending: Ending) -> None:
        """Let the line go, and make no other."""
        self.ending = self.ending or ending
        self._interrupt()
        self._bell.ring()

    def follow(self) -> None:
        """Go where the news say the call is, if that is elsewhere."""
        if self._news.changed:
            self._interrupt()
        self._bell.ring()

    async def run(self, line: Line) -> None:
        """Go from connection to connection."""
        way, persistence = Way.JOIN, Persistence(self._now())
        while not self.over:
            began, chosen = self._now(), way
            self._established_at = None
            try:
                way = await self._attend(line, chosen)
            except Exception:
                logger.exception("the voice connection failed; another is made")
                way = Way.JOIN
            finally:
                await line.hang_up()
            ended = self._now()
            persistence.note(chosen, began=began, established=self._established_at, ended=ended)
            way = persistence.tempered(way)
            if persistence.is_over(ended):
                self.end(Ending.GAVE_UP)
            await self._bell.until(lambda: self.over, persistence.pause)

    async def _attend(self, line: Line, way: Way) -> Way:
        """Hold one connection until it ends, and return how to get the next."""
        try:
            if way is Way.JOIN:
                await line.join()
            async with asyncio.timeout(None) as self._scope:
                await self._talk(line, resume=way is Way.RESUME)
        except ConnectionClosed as error:
            found = self._after_close(error)
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            found = self._after_break(way, error)
        else:
            found = Way.JOIN
        finally:
            self._scope = None
        return await self._next_server() if found is Way.AWAIT else found

    async def _talk(self, line: Line, *, resume: bool) -> None:
        """Connect to a voice server, and take what it says until it closes."""
        if self.over:
            return
        async with asyncio.timeout(_RESUME_SECONDS if resume else _HANDSHAKE_SECONDS) as patience:
            await (line.resume() if resume else line.identify())
            patience.reschedule(None)
        self._established_at = self._now()
        line.established()
        while True:
            await line.listen()

    def _after_close(self, error: ConnectionClosed) -> Way:
        logger.info("the voice server closed", extra={"close_code": error.code})
        found = way_after(error.code, established=self._established_at is not None)
        if found is Way.NONE:
            self.refusal = error
            self.end(Ending.REFUSED)
        return found

    def _after_break(self, way: Way, error: Exception) -> Way:
        if self._scope is not None and self._scope.expired():
            return Way.AWAIT
        logger.info("the voice connection broke", extra={"error": type(error).__name__})
        if self._established_at is not None:
            return Way.RESUME
        return Way.JOIN if isinstance(error, TimeoutError) else way

    async def _next_server(self) -> Way:
        """Wait for what the main gateway says of the call."""

        def is_clear() -> bool:
            return self.over or self._news.worth_trying(self._now())

        return Way.IDENTIFY if await self._bell.until(is_clear, _NEWS_SECONDS) else Way.JOIN

    def _interrupt(self) -> None:
        """Let the task stop talking to its voice server."""
        if self._scope is not None:
            with contextlib.suppress(RuntimeError):  # it just stopped by itself
                self._scope.reschedule(self._now())
