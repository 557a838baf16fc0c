"""Lines of standard input, without a thread and without blocking the loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

from frontends.console.wording import decoded

_CHUNK = 65_536
_BYTES_PER_CHARACTER = 4  # the most UTF-8 needs
_ALWAYS_KEPT = 8_000_000
_BYTE_ORDER_MARK = "\ufeff"


async def read_lines(fd: int, *, longest: int) -> AsyncGenerator[str, None]:
    """Yield the lines of ``fd`` without their ends until it has no more.

    Bytes that are not UTF-8 become U+FFFD. Of a line longer than ``longest`` characters only a
    beginning is kept, at least 8 MB and longer than ``longest``, so whoever takes it can refuse it.
    """
    kept = bytearray()
    most = max(_ALWAYS_KEPT, _BYTES_PER_CHARACTER * (longest + 1))
    first = True
    while chunk := await _read(fd):
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            _keep(kept, piece, most)
            yield _finished(kept, first=first)
            first = False
        _keep(kept, rest, most)
    if kept:
        yield _finished(kept, first=first)


def _keep(kept: bytearray, piece: bytes, most: int) -> None:
    kept += piece[: max(0, most - len(kept))]


def _finished(kept: bytearray, *, first: bool) -> str:
    line = decoded(bytes(kept)).removesuffix("\r")
    kept.clear()
    return line.removeprefix(_BYTE_ORDER_MARK) if first else line


async def _read(fd: int) -> bytes:
    while True:
        await _readable(fd)
        try:
            return os.read(fd, _CHUNK)
        except BlockingIOError:
            continue


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:  # epoll takes no ordinary files, which are always ready
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)
