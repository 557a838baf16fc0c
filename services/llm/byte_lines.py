"""Lines of a streamed answer, of bounded length."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

MAX_LINE_BYTES = 4 * 1024 * 1024


class MalformedLine(ValueError):  # noqa: N818
    """A line of an answer is not of the form its server should write."""


async def split_lines(blocks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the lines of ``blocks`` without their ends, empty ones too.

    Raises ``MalformedLine`` for a line beyond ``MAX_LINE_BYTES``.
    """
    rest = bytearray()
    async for block in blocks:
        rest += block
        if b"\n" in block:
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in lines:
                yield line.removesuffix(b"\r")
        if len(rest) > MAX_LINE_BYTES:
            raise MalformedLine
    if rest:
        yield bytes(rest)
