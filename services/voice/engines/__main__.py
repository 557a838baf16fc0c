"""Runs one engine for the process that started it: ``python -m`` this package."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import BinaryIO

from services.voice.engines.child import Child

_PR_SET_PDEATHSIG = 1
_NICENESS = 5


def _end_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes to the parent; what libraries print goes where errors go."""
    asked = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return asked, answers


def main(arguments: Sequence[str] | None = None) -> bool:
    """Serve until the parent closes its end; return whether all work was done by then."""
    parser = argparse.ArgumentParser(prog="python -m services.voice.engines", description=__doc__)
    parser.add_argument("--parent", type=int, required=True, help="process to end with")
    parser.add_argument("--concurrency", type=int, default=1, help="jobs at a time")
    chosen = parser.parse_args(arguments)
    _end_with(chosen.parent)
    os.nice(_NICENESS)
    asked, answers = _own_pipes()
    return Child(asked, answers, concurrency=chosen.concurrency).serve()


if __name__ == "__main__" and not main():
    # Straight out: a library in the middle of a computation cannot be asked to stop.
    os._exit(0)
