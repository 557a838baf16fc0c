"""Reads the datagrams of a voice connection, whichever socket that has at the moment."""

from __future__ import annotations

import logging
import select
import socket
import time
from typing import Final

from discord.utils import MISSING
from discord.voice_state import SocketReader, VoiceConnectionState

logger = logging.getLogger(__name__)

_LARGEST: Final = 2_048
_LOOK_MILLISECONDS: Final = 100
_NOTHING_SECONDS: Final = 0.01


class DatagramReader(SocketReader):
    """The reader of discord.py, for whom a socket that is closed under it is no trouble.

    discord.py's sleeps up to 30 s on a socket that is no more, reads nothing of the next meanwhile,
    and cannot read from one whose number is above 1,023.
    """

    def __init__(self, state: VoiceConnectionState) -> None:
        super().__init__(state)
        self.name = "voice reader"

    @property
    def reading(self) -> bool:
        """Whether it lives, and is not about to end."""
        return self.is_alive() and not self._end.is_set()

    def run(self) -> None:
        """Call the listeners with each datagram until stopped."""
        while not self._end.is_set():
            if not self._running.is_set():
                self._running.wait()
                continue
            datagram = _received(self.state.socket)
            if datagram:
                self._tell(datagram)

    def _tell(self, datagram: bytes) -> None:
        for listener in tuple(self._callbacks):
            try:
                listener(datagram)
            except Exception:
                logger.exception("a listener failed with a datagram")


def _received(source: socket.socket) -> bytes | None:
    """Return the next datagram, or ``None`` after at most a tenth of a second."""
    if source is MISSING or source.fileno() < 0:
        time.sleep(_NOTHING_SECONDS)
        return None
    try:
        return source.recv(_LARGEST)
    except BlockingIOError:
        pass
    except OSError:  # closed a moment ago, or something was refused at the other end
        time.sleep(_NOTHING_SECONDS)
        return None
    waiting = select.poll()
    try:
        waiting.register(source, select.POLLIN)
        waiting.poll(_LOOK_MILLISECONDS)
    except (OSError, ValueError):
        time.sleep(_NOTHING_SECONDS)
    return None
