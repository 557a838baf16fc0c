"""Opening files off the event loop, leaving none open when nobody waits for them any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Literal

Mode = Literal["rb", "wb"]


@asynccontextmanager
async def opened(path: Path, mode: Mode) -> AsyncIterator[BinaryIO]:
    """Give an open file whose methods block; it is closed however often its user is cancelled.

    Raises ``OSError``.
    """
    opening = asyncio.get_running_loop().run_in_executor(None, _open, path, mode)
    try:
        file = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        await asyncio.wait([opening])
        raise
    with file:
        yield file


def _open(path: Path, mode: Mode) -> BinaryIO:
    return path.open(mode)


def _close(opening: asyncio.Future[BinaryIO]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
