"""Serves a GGUF model with Ollama's routes on a loopback port: ``python -m`` this package."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from services.llm.embedded.child import Announcer, ChildOptions, end_with_input, serve

_PR_SET_PDEATHSIG = 1


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.llm.embedded", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="GGUF file")
    parser.add_argument("--name", help="name it is served under; its file name without this")
    parser.add_argument("--num-ctx", type=int, default=4096, help="context in tokens")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--prefixes", type=Path, required=True, help="folder for prompt snapshots")
    parser.add_argument("--log", type=Path, help="file for llama.cpp's own output")
    parser.add_argument("--port", type=int, default=0, help="loopback port, any free one without")
    parser.add_argument("--listen-fd", type=int, help="an already listening socket")
    parser.add_argument("--parent", type=int, help="process to end with; closing stdin ends it too")
    return parser.parse_args(arguments)


def _end_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    threading.Thread(target=end_with_input, daemon=True).start()


def _own_output(log: Path | None) -> Announcer:
    """Keep standard output for announcements and send what libraries write to the log."""
    announcements = os.fdopen(os.dup(1), "w")
    quiet = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.close(quiet)
    return Announcer(announcements)


def _listener(arguments: argparse.Namespace) -> socket.socket:
    if arguments.listen_fd is not None:
        listener = socket.socket(fileno=arguments.listen_fd)
    else:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", arguments.port))
    listener.setblocking(False)
    return listener


def main(command_line: Sequence[str] | None = None) -> int:
    """Run the server and return the exit status."""
    arguments = _parsed(command_line)
    if arguments.parent is not None:
        _end_with(arguments.parent)
    listener = _listener(arguments)
    announcer = _own_output(arguments.log)
    options = ChildOptions(
        model=arguments.model.absolute(),
        name=arguments.name,
        num_ctx=arguments.num_ctx,
        threads=arguments.threads,
        prefixes=arguments.prefixes.absolute(),
    )
    return asyncio.run(serve(options, listener, announcer))


if __name__ == "__main__":
    # Straight out: llama.cpp's own tear-down waits for whatever it is computing.
    os._exit(main())
