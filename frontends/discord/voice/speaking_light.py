"""Tells Discord that the bot speaks, or no longer does: op 5 of the voice gateway."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Final

import discord
from discord.enums import SpeakingState

logger = logging.getLogger(__name__)

_PATIENCE: Final = 5.0


class SpeakingLight:
    """Switched from any thread; ``run`` sends what was switched last.

    Args:
        client: Whose connection it is, whichever that is at the moment.
        loop: Where ``run`` runs.
    """

    def __init__(self, client: discord.VoiceClient, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop
        self._wish: tuple[bool, threading.Event] | None = None
        self._news = asyncio.Event()

    def switch(self, *, on: bool) -> threading.Event:
        """Ask for it and return at once; the event is set when it was sent, or cannot be."""
        done = threading.Event()
        try:
            self._loop.call_soon_threadsafe(self._take, on, done)
        except RuntimeError:  # the loop is closed
            done.set()
        return done

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            wish, self._wish = self._wish, None
            if wish is None:
                continue
            on, done = wish
            try:
                await self._send(on=on)
            finally:
                done.set()

    def _take(self, on: bool, done: threading.Event) -> None:  # noqa: FBT001  a callback
        if self._wish is not None:
            self._wish[1].set()
        self._wish = (on, done)
        self._news.set()

    async def _send(self, *, on: bool) -> None:
        state = SpeakingState.voice if on else SpeakingState.none
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._client.ws.speak(state)
        except Exception:  # whatever a dying connection raises; the next one is told
            logger.debug("op 5 was not sent", exc_info=True)
