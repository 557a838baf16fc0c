"""The closed process: takes one request, gives up all rights, runs it, answers and ends.

Started by ``services.code_runner.closed``. One line of JSON comes in; ``{"ready": [guards]}`` and
an ``Outcome`` go out as one line each, in ASCII. It answers nothing when a limit cannot be set.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import IO

from services.code_runner.child.analysing import analyse
from services.code_runner.child.interpreting import Outcome, Request, interpret
from services.code_runner.child.landlock import shut_files
from services.code_runner.child.limits import stop_multiplying, take_limits
from services.code_runner.child.seccomp import shut_system_calls

_LIBRARIES = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/urandom",
)


def main(packages: str, binary: str) -> None:
    """Answer the request on standard input; ``binary`` is the interpreter's program."""
    said = sys.stdout
    request: Request = json.loads(sys.stdin.readline())
    take_limits(memory=request["memory"], seconds=request["seconds"])
    readable = (
        *_LIBRARIES,
        str(Path(json.__file__).parents[1]),
        f"{packages}/pydantic_monty",
        binary,
    )
    guards = ["limits"]
    guards += ["landlock"] if shut_files(readable) else []
    guards += ["seccomp"] if shut_system_calls() else []

    def ready(worker: int | None) -> None:
        stop_multiplying(worker)
        _say(said, {"ready": guards})

    if request["task"] == "analyse":
        ready(None)
        _say(said, _analysed(request))
    else:
        _say(said, interpret(request, binary=binary, ready=ready))


def _analysed(request: Request) -> Outcome:
    started = time.monotonic()
    value, error = "", ""
    try:
        value = analyse(request["code"])
    except SyntaxError as failure:
        where = f" in line {failure.lineno}" if failure.lineno else ""
        error = f"SyntaxError{where}: {failure.msg}"
    except (ValueError, RecursionError, MemoryError) as failure:
        error = f"This cannot be read: {failure}"
    most = request["characters"]
    return Outcome(
        output="",
        value=value[:most],
        error=error[:most],
        seconds=time.monotonic() - started,
        cut=len(value) > most,
    )


def _say(out: IO[str], what: object) -> None:
    out.write(json.dumps(what) + "\n")
    out.flush()
