"""Opening files off the event loop, leaving none open when nobody waits for them any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, cast


@asynccontextmanager
async def opened(path: Path, mode: Literal["rb", "wb"]) -> AsyncIterator[BinaryIO]:
    """Give an open file whose methods block; whoever is cancelled while it is opened closes it.

    Raises ``OSError``.
    """
    opening = asyncio.get_running_loop().run_in_executor(None, partial(path.open, mode))
    try:
        file = cast("BinaryIO", await asyncio.shield(opening))
    except asyncio.CancelledError:
        with suppress(OSError):
            (await opening).close()
        raise
    try:
        yield file
    finally:
        await asyncio.to_thread(file.close)
