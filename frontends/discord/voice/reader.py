"""Reads the datagrams of a voice connection, whichever socket that has at the moment."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Callable
from typing import Final

from discord.utils import MISSING
from discord.voice_state import SocketReader, VoiceConnectionState

from frontends.discord.voice.crowd import Crowd
from frontends.discord.voice.packets import LARGEST

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 64
"""Datagrams that are read before those are told of who wait for them."""

_LOOK_MILLISECONDS: Final = 100
_NOTHING_SECONDS: Final = 0.01


class DatagramReader(SocketReader):
    """The reader of discord.py, for whom a socket that is closed under it is no trouble.

    discord.py's sleeps up to 30 s on a socket that is no more, reads nothing of the next meanwhile,
    and cannot read from one whose number is above 1,023. In a crowd, this one reads at intervals.

    Args:
        state: Whose socket is read.
        passed_on: Called in the thread that reads, after the listeners were called with all that
            was there.
    """

    def __init__(self, state: VoiceConnectionState, *, passed_on: Callable[[], object]) -> None:
        super().__init__(state)
        self.name = "voice reader"
        self._passed_on = passed_on

    @property
    def reading(self) -> bool:
        """Whether it lives, and is not about to end."""
        return self.is_alive() and not self._end.is_set()

    def run(self) -> None:
        """Call the listeners with each datagram until stopped."""
        crowd = Crowd()
        while not self._end.is_set():
            if not self._running.is_set():
                self._running.wait()
                continue
            count = self._read(self.state.socket)
            pause = crowd.pause(count, time.monotonic())
            if pause and count < MOST_AT_ONCE:
                time.sleep(pause)

    def _read(self, source: socket.socket) -> int:
        """Tell of what is there, or wait for it for a tenth of a second; return how many."""
        datagrams = _received(source)
        if datagrams:
            for listener in tuple(self._callbacks):
                for datagram in datagrams:
                    self._call(listener, datagram)
            self._call(self._passed_on)
        return len(datagrams)

    @staticmethod
    def _call(listener: Callable[..., object], *arguments: object) -> None:
        try:
            listener(*arguments)
        except Exception:
            logger.exception("a listener failed with a datagram")


def _received(source: socket.socket) -> list[bytes]:
    """Return the datagrams that are there; without any, nothing after at most a tenth of a second.

    What is empty ends a stretch of them as well: there is none in a call.
    """
    if source is MISSING or source.fileno() < 0:
        time.sleep(_NOTHING_SECONDS)
        return []
    found: list[bytes] = []
    try:
        while len(found) < MOST_AT_ONCE and (datagram := source.recv(LARGEST)):
            found.append(datagram)
    except BlockingIOError:
        if not found:
            _wait(source)
    except OSError:  # closed a moment ago, or something was refused at the other end
        time.sleep(_NOTHING_SECONDS)
    return found


def _wait(source: socket.socket) -> None:
    waiting = select.poll()
    try:
        waiting.register(source, select.POLLIN)
        waiting.poll(_LOOK_MILLISECONDS)
    except (OSError, ValueError):
        time.sleep(_NOTHING_SECONDS)
