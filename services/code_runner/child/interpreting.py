"""Running one piece of code in Monty, which implements no files, network, processes or host."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Literal, TypedDict

from pydantic_monty import (
    Monty,
    MontyConversionError,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySyntaxError,
)

_DIGITS = 4_000
_ERROR_LINES = 12
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


class _FullError(Exception):
    """More was printed than is shown."""


class _Output:
    def __init__(self, most: int) -> None:
        self._pieces: list[str] = []
        self._room = most
        self.cut = False

    def __call__(self, _stream: Literal["stdout", "stderr"], text: str) -> None:
        self._pieces.append(text[: self._room])
        self._room -= len(text)
        if self._room < 0:
            self._room = 0
            self.cut = True
            raise _FullError

    @property
    def text(self) -> str:
        return "".join(self._pieces)


def interpret(
    request: Request, *, binary: str, ready: Callable[[int | None], None]
) -> Outcome:
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
        ready(session.worker_pid)
        started = time.monotonic()
        try:
            result = session.feed_run(request["code"], print_callback=output)
            took = time.monotonic() - started
            value = _shown(result)
        except _FullError:
            error = "Stopped: it printed more than is shown."
        except (MontySyntaxError, MontyRuntimeError) as failure:
            error = _FULL if output.cut else _told(failure.display())
        except MontyCrashedError as failure:
            error = "Stopped: it took too long." if failure.timed_out else "The interpreter died."
        except MontyConversionError as failure:
            error = _told(str(failure))
        except MontyError as failure:
            error = _told(str(failure))
        except MemoryError:
            error = _NO_ROOM
        took = took or time.monotonic() - started
    most = request["characters"]
    return Outcome(
        output=output.text,
        value=value[:most],
        error=error[:most],
        seconds=took,
        cut=output.cut or len(value) > most or len(error) > most,
    )


_FULL = "Stopped: it printed more than is shown."


def _shown(value: object) -> str:
    if value is None:
        return ""
    try:
        return repr(value)
    except RecursionError:
        return "(a value too deep to be shown)"
    except ValueError:
        return "(a number too long to be shown)"


def _told(traceback: str) -> str:
    lines = traceback.strip().splitlines()
    if len(lines) <= _ERROR_LINES:
        return "\n".join(lines)
    half = _ERROR_LINES // 2
    return "\n".join(itertools.chain(lines[:half], ["  ..."], lines[-half:]))
