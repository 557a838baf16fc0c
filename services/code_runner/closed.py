"""The parent's side of the closed process: starting it, talking to it, ending it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from services.code_runner.runtime import Runtime, found_runtime
from services.code_runner.values import Bounds, CodeResult
from services.domain.errors import Refused

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from services.code_runner.child.interpreting import Request

logger = logging.getLogger(__name__)

Task = Literal["run", "analyse"]

_ROOT = Path(__file__).parents[2]
_START = (
    "import sys; sys.path[:0] = sys.argv[1:3]; "
    "from services.code_runner.child.main import main; main(*sys.argv[2:4])"
)
_START_SECONDS = 20.0
_GRACE_SECONDS = 3.0
_ASCII_PER_CHARACTER = 12  # two escaped surrogates
_PARTS = 3
_ROOM_FOR_THE_REST = 4_096
_TOO_LONG = "Stopped: it took too long."
_DIED = "Stopped: its process died, mostly for lack of memory."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a run, and which guards the process stood under."""

    result: CodeResult
    guards: tuple[str, ...]


class ClosedProcess:
    """Runs each piece of code in a process of its own that is gone afterwards."""

    def __init__(self) -> None:
        self._runtime: Runtime | None = None

    async def run(self, code: str, *, task: Task, bounds: Bounds) -> Ran:
        """Run or look at ``code``; whatever it does, the result says so.

        Raises ``Refused`` when the process cannot be started here. Cancelled, it ends the process
        and everything that one started.
        """
        if self._runtime is None:
            self._runtime = await asyncio.to_thread(found_runtime)
        runtime = self._runtime
        request: Request = {
            "task": task,
            "code": code,
            "seconds": bounds.seconds,
            "memory": bounds.memory,
            "characters": bounds.characters,
        }
        folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="acore-code-")
        try:
            process = await _started(runtime, folder.name, bounds)
            try:
                return await _talk(process, request, bounds)
            finally:
                await _end(process)
        finally:
            await asyncio.to_thread(folder.cleanup)


async def _started(runtime: Runtime, folder: str, bounds: Bounds) -> Process:
    most = _ROOM_FOR_THE_REST + _PARTS * _ASCII_PER_CHARACTER * bounds.characters
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            "-B",
            "-c",
            _START,
            str(_ROOT),
            str(runtime.packages),
            str(runtime.program),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={},
            start_new_session=True,
            limit=most,
        )
    except OSError as error:
        raise _unavailable() from error


async def _talk(process: Process, request: Request, bounds: Bounds) -> Ran:
    if process.stdin is None or process.stdout is None:
        raise _unavailable()
    guards: tuple[str, ...] = ()
    try:
        async with asyncio.timeout(_START_SECONDS):
            with suppress(ConnectionError):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                await process.stdin.drain()
            process.stdin.close()
            guards = _guards(await _line(process))
    except TimeoutError as error:
        raise _unavailable() from error
    if not guards:
        logger.warning("the sandbox for code did not start", extra={"exit": process.returncode})
        raise _unavailable()
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(bounds.seconds + _GRACE_SECONDS):
            said = await _line(process)
    except TimeoutError:
        return Ran(result=_failed(_TOO_LONG, loop.time() - started), guards=guards)
    result = _outcome(said, bounds) or _failed(_DIED, loop.time() - started)
    return Ran(result=result, guards=guards)


async def _line(process: Process) -> bytes:
    if process.stdout is None:
        return b""
    try:
        return await process.stdout.readline()
    except ValueError:  # longer than anything it may say
        return b""


def _guards(line: bytes) -> tuple[str, ...]:
    try:
        said = json.loads(line)["ready"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
    return tuple(str(each) for each in said) if isinstance(said, list) else ()


def _outcome(line: bytes, bounds: Bounds) -> CodeResult | None:
    """Return what the process says, trusting nothing of it; ``None`` when it makes no sense."""
    try:
        said = json.loads(line)
        output, value, error = (said[name] for name in ("output", "value", "error"))
        seconds, cut = said["seconds"], said["cut"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = all(isinstance(each, str) for each in (output, value, error))
    if not (texts and isinstance(seconds, int | float) and isinstance(cut, bool)):
        return None
    most = bounds.characters
    return CodeResult(
        output=_encodable(output[:most]),
        value=_encodable(value[:most]),
        error=_encodable(error[:most]),
        seconds=float(seconds),
        cut=cut,
    )


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _failed(error: str, seconds: float) -> CodeResult:
    return CodeResult(output="", value="", error=error, seconds=seconds, cut=False)


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # also what it started
    await process.wait()


def _unavailable() -> Refused:
    return Refused(
        "code_unavailable",
        "Code cannot be run here: the sandbox does not start. The doctor tells more.",
    )
