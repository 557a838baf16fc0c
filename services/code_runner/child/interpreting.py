"""Running one piece of code in Monty, which implements no files, network, processes or host."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Literal, TypedDict

from pydantic_monty import (
    Monty,
    MontyClassProxy,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySyntaxError,
)

_ERROR_LINES = 12
_LONGEST_LINE = 200
_FULL = "Stopped: it printed more than is shown."
_NO_ROOM = "MemoryError: the result does not fit into memory"


class Request(TypedDict):
    """What is to be run, within what; ``memory`` in bytes, ``characters`` of each part shown."""

    task: Literal["run", "analyse"]
    code: str
    seconds: float
    memory: int
    characters: int


class Outcome(TypedDict):
    """What came of it; ``error`` is empty when it ended well, ``value`` when it has none."""

    output: str
    value: str
    error: str
    seconds: float
    cut: bool


class _Output:
    """Keeps what is printed, and ends ``worker`` when that is too much."""

    def __init__(self, most: int) -> None:
        self._pieces: list[str] = []
        self._room = most
        self.cut = False
        self.worker: int | None = None

    def __call__(self, _stream: Literal["stdout", "stderr"], text: str) -> None:
        self._pieces.append(text[: self._room])
        self._room = max(0, self._room - len(text))
        self.cut = self.cut or text != self._pieces[-1]
        if self.cut and self.worker is not None:
            os.kill(self.worker, signal.SIGKILL)
            self.worker = None

    @property
    def text(self) -> str:
        return "".join(self._pieces)


def interpret(request: Request, *, binary: str, ready: Callable[[int | None], None]) -> Outcome:
    """Run ``request``; ``ready`` is called with the interpreter's process before the code starts.

    Whatever the code does ends in an outcome, unless it takes this process with it.
    """
    output = _Output(request["characters"])
    seconds = request["seconds"]
    value, error, took = "", "", 0.0
    with (
        Monty(binary_path=binary, max_processes=1, request_timeout=seconds + 1) as pool,
        pool.checkout(
            limits={
                "max_feed_duration_secs": seconds,
                "max_memory": request["memory"],
                "max_suspensions": 1000,
                "max_total_sleep_secs": 0.0,
            },
            os_policy={"sleep": "zero"},
        ) as session,
    ):
        output.worker = session.worker_pid
        ready(session.worker_pid)
        started = time.monotonic()
        try:
            result = session.feed_run(request["code"], print_callback=output)
            took = time.monotonic() - started
            value = _shown(result)
        except (MontySyntaxError, MontyRuntimeError) as failure:
            error = _told(failure.display())
        except MontyCrashedError as failure:
            error = "Stopped: it took too long." if failure.timed_out else "The interpreter died."
        except MontyError as failure:
            error = _told(str(failure))
        except MemoryError:
            error = _NO_ROOM
        took = took or time.monotonic() - started
    most = request["characters"]
    error = _FULL if output.cut else error
    return Outcome(
        output=output.text,
        value=value[:most],
        error=error[:most],
        seconds=took,
        cut=output.cut or len(value) > most or len(error) > most,
    )


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, MontyClassProxy):
        return f"<{value.name} object>"
    try:
        return repr(value)
    except RecursionError:
        return "(a value too deep to be shown)"
    except ValueError:
        return "(a number too long to be shown)"


def _told(traceback: str) -> str:
    """Return a traceback without the middle of it, its lines cut."""
    lines = [line[:_LONGEST_LINE] for line in traceback.strip().splitlines()]
    if len(lines) <= _ERROR_LINES:
        return "\n".join(lines)
    half = _ERROR_LINES // 2
    return "\n".join([*lines[:half], "  ...", *lines[-half:]])
