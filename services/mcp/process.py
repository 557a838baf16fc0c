"""A server that runs as a process here and speaks over its standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

LONGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message; a server that sends a longer one is given up."""

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""Variables of acore's own environment that such a server gets; all others are named for it."""

_MOST_UNREADABLE = 100
_PATIENCE_SECONDS = 0.5
_LONGEST_COMPLAINT = 300

Incoming: TypeAlias = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing: TypeAlias = MemoryObjectSendStream[SessionMessage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is started, with which variables beside those passed on."""

    command: str
    arguments: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


class Complaint:
    """The end of what a process wrote to its standard error."""

    def __init__(self) -> None:
        self._end = b""

    def add(self, written: bytes) -> None:
        """Remember more of it."""
        self._end = (self._end + written)[-4 * _LONGEST_COMPLAINT :]

    @property
    def line(self) -> str:
        """The last line, with nothing unprintable in it; empty if nothing was written."""
        lines = self._end.decode(errors="replace").strip().splitlines()
        shown = "".join(c if c.isprintable() else " " for c in lines[-1]) if lines else ""
        return shown[:_LONGEST_COMPLAINT]


@asynccontextmanager
async def running(
    program: Program, *, complaint: Complaint, on_end: Callable[[], None]
) -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Run a server for as long as the block does, then end it with all that it has started.

    ``on_end`` is called when it no longer speaks. Raises ``OSError`` when it cannot be started.
    """
    inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    loop = asyncio.get_running_loop()
    # As asyncio.create_subprocess_exec does it, which keeps the transport to itself.
    transport, protocol = await loop.subprocess_exec(
        lambda: SubprocessStreamProtocol(limit=LONGEST_MESSAGE, loop=loop),
        program.command,
        *program.arguments,
        env={**inherited, **program.variables},
        start_new_session=True,
    )
    process = asyncio.subprocess.Process(transport, protocol, loop)
    try:
        heard, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, told = anyio.create_memory_object_stream[SessionMessage](0)
        async with heard, incoming, outgoing, told, anyio.create_task_group() as group:
            group.start_soon(_listen, process, heard, on_end)
            group.start_soon(_tell, process, told, heard)
            group.start_soon(_overhear, process, complaint)
            try:
                yield incoming, outgoing
            finally:
                group.cancel_scope.cancel()
    finally:
        try:
            await _end(process)
            await _overhear_rest(process, complaint)
        finally:
            transport.close()


async def _listen(
    process: asyncio.subprocess.Process,
    heard: MemoryObjectSendStream[SessionMessage | Exception],
    on_end: Callable[[], None],
) -> None:
    stdout = cast(asyncio.StreamReader, process.stdout)
    unreadable = 0
    try:
        async with heard:
            while (line := await stdout.readline()) and unreadable <= _MOST_UNREADABLE:
                if line.strip():
                    message = _read(line)
                    unreadable += isinstance(message, Exception)
                    await heard.send(message)
    except (ValueError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # a message too long, or nobody listens any more
    finally:
        on_end()


def _read(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _tell(
    process: asyncio.subprocess.Process,
    told: MemoryObjectReceiveStream[SessionMessage],
    heard: MemoryObjectSendStream[SessionMessage | Exception],
) -> None:
    stdin = cast(asyncio.StreamWriter, process.stdin)
    try:
        async for message in told:
            written = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            stdin.write(f"{written}\n".encode())
            await stdin.drain()
    except OSError:
        await heard.aclose()


async def _overhear(process: asyncio.subprocess.Process, complaint: Complaint) -> None:
    stderr = cast(asyncio.StreamReader, process.stderr)
    while written := await stderr.read(4096):
        complaint.add(written)


async def _overhear_rest(process: asyncio.subprocess.Process, complaint: Complaint) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_SECONDS):  # what it started may hold the pipe open
            await _overhear(process, complaint)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let the process go by itself, then make its whole group; cancelled, make it at once."""
    try:
        cast(asyncio.StreamWriter, process.stdin).close()
        for stop in (signal.SIGTERM, signal.SIGKILL):
            if await _gone(process):
                return
            _signal(process, stop)
        await _gone(process)
    finally:
        _signal(process, signal.SIGKILL)  # also what it started and left behind


async def _gone(process: asyncio.subprocess.Process) -> bool:
    """Tell whether the process ends soon.

    ``Process.wait`` would wait for its pipes as well, which what it started may hold open.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE_SECONDS
    while process.returncode is None and loop.time() < until:  # noqa: ASYNC110  no event tells
        await asyncio.sleep(0.01)
    return process.returncode is not None


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
