"""The thread that sends a call's sound to Discord, 20 ms at a time."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Final, Self
from weakref import WeakKeyDictionary

import discord

from frontends.discord.voice.grid import Grid, Slot
from frontends.discord.voice.opus_mouth import OpusMouth
from frontends.discord.voice.speaking_light import SpeakingLight
from frontends.discord.voice.thread_turns import come_first, short_turns
from frontends.discord.voice.transmission import Tally, Transmission
from services.domain.clock import Clock
from services.lifecycle import Supervisor
from services.observability.metrics import Metrics
from services.voice.audio_io import BLOCK_SECONDS, BlockSource

logger = logging.getLogger(__name__)

_PATIENCE: Final = 1.0
_TOLD_SECONDS: Final = 0.2
_REPORT_SLOTS: Final = round(1.0 / BLOCK_SECONDS)
_turns: WeakKeyDictionary[discord.VoiceClient, threading.Lock] = WeakKeyDictionary()
"""Held by the one thread that sends over a client."""


class Sender:
    """Sends what ``source`` gives while entered, whatever becomes of the connection meanwhile.

    Each block leaves at the latest 20 ms, the grid's step, after it was there to be read. While
    the client is not connected, blocks are read and dropped. Leaving ends the sound with its five
    frames of silence and takes at most a second, even if ``source`` blocks. Of two senders for one
    client the second waits until the first has ended. To be entered once.

    Args:
        client: Nobody else may send over it meanwhile.
        source: Read every 20 ms, in the sender's thread.
        clock: What the grid is counted in.
        metrics: Recorded once a second, in the event loop.
        mouth: The encoder; by default, one for speech.

    Raises:
        AcoreError: there is no Opus library.
    """

    def __init__(
        self,
        client: discord.VoiceClient,
        source: BlockSource,
        clock: Clock,
        metrics: Metrics,
        *,
        mouth: OpusMouth | None = None,
    ) -> None:
        self._client = client
        self._source = source
        self._clock = clock
        self._metrics = metrics
        self._mouth = mouth or OpusMouth()
        self._ending = threading.Event()
        self._given_up = threading.Event()
        self._ended = asyncio.Event()
        self._complained = False
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.enter_context(short_turns())
            supervisor = await stack.enter_async_context(Supervisor())
            self._loop = asyncio.get_running_loop()
            self._light = SpeakingLight(self._client, self._loop)
            supervisor.start("speaking light", self._light.run)
            self._turn = _turns.setdefault(self._client, threading.Lock())
            threading.Thread(target=self._run, name="voice sender", daemon=True).start()
            stack.push_async_callback(self._stop)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def _stop(self) -> None:
        self._ending.set()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._ended.wait()
        except TimeoutError:
            logger.warning("the sender's source blocks; its thread is left to itself")
        finally:
            self._given_up.set()

    def _run(self) -> None:
        come_first()
        try:
            while not self._turn.acquire(timeout=BLOCK_SECONDS):
                if self._ending.is_set():
                    return
            try:
                self._send_until_the_end()
            finally:
                self._turn.release()
        except Exception:
            logger.exception("the sender failed")
        finally:
            self._tell(self._ended.set)

    def _send_until_the_end(self) -> None:
        grid = Grid(self._clock.monotonic())
        transmission = Transmission(self._client, self._mouth, self._light)
        while not self._ending.wait(self._until(grid)):
            slot = self._next(grid, transmission)
            block = self._read()
            if self._ending.is_set():
                break
            transmission.serve(slot, block)
            if slot.number % _REPORT_SLOTS == 0:
                self._report(transmission)
        while not transmission.silent and not self._given_up.wait(self._until(grid)):
            transmission.end(self._next(grid, transmission))
        transmission.told.wait(_TOLD_SECONDS)
        self._report(transmission)

    def _until(self, grid: Grid) -> float:
        return max(0.0, grid.due - self._clock.monotonic())

    def _next(self, grid: Grid, transmission: Transmission) -> Slot:
        slot = grid.serve(self._clock.monotonic())
        transmission.tally.late.append(slot.late)
        transmission.tally.skipped += slot.skipped
        return slot

    def _read(self) -> bytes | None:
        try:
            return self._source()
        except Exception:
            if not self._complained:
                logger.exception("the source of a call's sound failed")
            self._complained = True
            return None

    def _report(self, transmission: Transmission) -> None:
        tally, transmission.tally = transmission.tally, Tally()
        self._tell(self._record, tally)

    def _tell(self, callback: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _record(self, tally: Tally) -> None:
        for late in tally.late:
            self._metrics.time("voice_send_late_seconds", late)
        for kind, count in tally.sent.items():
            self._metrics.count("voice_packets_sent", count, kind=kind)
        for reason, count in tally.unsent.items():
            if count:
                self._metrics.count("voice_packets_unsent", count, reason=reason)
        self._metrics.count("voice_slots_skipped", tally.skipped)
        self._metrics.count("voice_keepalives", tally.keepalives)
