"""Server-sent events as OpenAI-compatible servers write them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from services.llm.byte_lines import split_lines


async def event_data(blocks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the data of every event; comments and other fields are passed over.

    Every ``data`` line counts as an event of its own, as no such server cuts JSON over lines. A
    bare JSON line, and llama.cpp's ``error`` field, count as data too. Raises ``MalformedLine``.
    """
    async with aclosing(split_lines(blocks)) as lines:
        async for line in lines:
            name, _, value = line.partition(b":")
            if line.startswith(b"{"):
                yield line
            elif name == b"data" and value.strip():
                yield value.strip()
            elif name == b"error" and value.strip():
                yield b'{"error":' + value + b"}"
