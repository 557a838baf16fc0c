"""Frames on the pipes between this process and an engine's: a JSON header and raw bytes.

A frame is the length of the header and of the bytes, four bytes each, big-endian, then both. The
first frame to the child says what to load (``factory``, ``options``, ``concurrency``), the first
answer is ``ready`` or ``failed``. Then ``{"job": n, ...}`` asks, ``{"cancel": n}`` takes back, and
every answer names its ``job``; the last one of a job has ``end`` or ``error``.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">II")
_LONGEST_HEADER = 1 << 20
_LONGEST_PAYLOAD = 1 << 26

Header = Mapping[str, Any]


class WireError(Exception):
    """What arrived is not a frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message; ``payload`` is sound as 16-bit samples, or nothing."""

    header: Header
    payload: bytes = field(default=b"", repr=False)

    def encoded(self) -> bytes:
        """Return the bytes that go over the pipe."""
        header = json.dumps(self.header, ensure_ascii=True).encode()
        return _LENGTHS.pack(len(header), len(self.payload)) + header + self.payload


async def read_frame(stream: asyncio.StreamReader) -> Frame | None:
    """Return the next frame, ``None`` at the end of the stream. Raises ``WireError``."""
    try:
        header_length, payload_length = _lengths(await stream.readexactly(_LENGTHS.size))
        header = await stream.readexactly(header_length)
        return _frame(header, await stream.readexactly(payload_length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def read_frame_blocking(stream: BinaryIO) -> Frame | None:
    """Return the next frame, ``None`` at the end of the stream. Raises ``WireError``. Blocks."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_length, payload_length = _lengths(lengths)
    header, payload = stream.read(header_length), stream.read(payload_length)
    if len(header) < header_length or len(payload) < payload_length:
        return None
    return _frame(header, payload)


def _lengths(head: bytes) -> tuple[int, int]:
    header, payload = _LENGTHS.unpack(head)
    if header > _LONGEST_HEADER or payload > _LONGEST_PAYLOAD:
        raise WireError(f"a frame of {header} and {payload} bytes")  # noqa: TRY003
    return header, payload


def _frame(header: bytes, payload: bytes) -> Frame:
    try:
        decoded = json.loads(header)
    except ValueError as error:
        raise WireError("a header that is not JSON") from error  # noqa: TRY003
    if not isinstance(decoded, dict):
        raise WireError("a header that is no object")  # noqa: TRY003
    return Frame(header=decoded, payload=payload)
