"""A UDP socket whose packets carry the moment at which the kernel took them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable
from typing import Final

_TIMESTAMP_OPTION: Final = getattr(socket, "SO_TIMESTAMPNS", 35)
_TIMESTAMP: Final = struct.Struct("@qq")
_LARGEST: Final = 2_048
_AT_ONCE_NS: Final = 50_000
_BUFFER_BYTES: Final = 4 << 20

Address = tuple[str, int]


class Datagrams:
    """Listens on a free port of 127.0.0.1 while it is open.

    Args:
        take: Called with a packet, whence it came, and when, in microseconds of
            ``time.monotonic``.
    """

    def __init__(self, take: Callable[[bytes, Address, int], None]) -> None:
        self._take = take
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        with contextlib.suppress(OSError):  # elsewhere than on Linux, reading gives the moment
            self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMP_OPTION, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def open(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def send(self, packet: bytes, address: Address) -> None:
        """Send a packet; one that cannot go is lost, as on any network."""
        with contextlib.suppress(OSError):
            self._socket.sendto(packet, address)

    def _read(self) -> None:
        while True:
            try:
                packet, ancillary, _, address = self._socket.recvmsg(
                    _LARGEST, socket.CMSG_SPACE(_TIMESTAMP.size)
                )
            except (BlockingIOError, ConnectionError):
                return
            self._take(packet, address, _moment_us(ancillary))


def _moment_us(ancillary: list[tuple[int, int, bytes]]) -> int:
    now, wall = _both_clocks()
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMP_OPTION):
            seconds, nanoseconds = _TIMESTAMP.unpack(data[: _TIMESTAMP.size])
            age = wall - (seconds * 1_000_000_000 + nanoseconds)
            return int(now - age) // 1_000
    return now // 1_000


def _both_clocks() -> tuple[int, int]:
    """Return monotonic and wall time of one moment: no other thread ran between the readings."""
    while True:
        now = time.monotonic_ns()
        wall = time.clock_gettime_ns(time.CLOCK_REALTIME)
        if time.monotonic_ns() - now < _AT_ONCE_NS:
            return now, wall
