"""Questions over plain lines: at a terminal, or through a pipe."""

from __future__ import annotations

import getpass
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from frontends.console.wording import clean, printable
from services.domain.errors import InvalidRequest


class Asking(Protocol):
    """Somebody who can be told things and asked for things."""

    def say(self, text: str) -> None:
        """Show a line."""
        ...

    def ask(self, question: str, *, default: str = "") -> str:
        """Return the answer, or ``default`` for an empty one.

        Raises ``InvalidRequest`` when no more answers come and ``KeyboardInterrupt`` at Ctrl-C.
        """
        ...

    def secret(self, question: str) -> str:
        """Return an answer that is not shown while it is typed."""
        ...

    def choose(self, question: str, options: Sequence[str], *, default: int = 0) -> int:
        """Return the index of the chosen option."""
        ...

    def agreed(self, question: str, *, default: bool) -> bool:
        """Return the answer to a yes-or-no question."""
        ...


class LineAsking:
    """Asks on standard output and reads lines from standard input."""

    def __init__(self) -> None:
        reconfigure = getattr(sys.stdin, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")

    def say(self, text: str) -> None:
        encoding = sys.stdout.encoding or "ascii"
        shown = printable(text).encode(encoding, errors="backslashreplace").decode(encoding)
        sys.stdout.write(f"{shown}\n")
        sys.stdout.flush()

    def ask(self, question: str, *, default: str = "") -> str:
        with _stoppable():
            sys.stdout.write(f"{question}{f' [{default}]' if default else ''}: ")
            sys.stdout.flush()
            line = sys.stdin.readline()
        if not line:
            sys.stdout.write("\n")
            raise _ended()
        return printable(clean(line)).strip() or default

    def secret(self, question: str) -> str:
        if not sys.stdin.isatty():
            return self.ask(question)
        with _stoppable():
            try:
                return getpass.getpass(f"{question} (not shown): ").strip()
            except EOFError as error:
                raise _ended() from error

    def choose(self, question: str, options: Sequence[str], *, default: int = 0) -> int:
        for number, option in enumerate(options, start=1):
            self.say(f"  {number}  {option}")
        while True:
            answer = self.ask(question, default=str(default + 1))
            if answer.isdecimal() and 1 <= int(answer) <= len(options):
                return int(answer) - 1
            named = [n for n, option in enumerate(options) if option.split()[:1] == [answer]]
            if named:
                return named[0]
            self.say(f"Type a number from 1 to {len(options)}.")

    def agreed(self, question: str, *, default: bool) -> bool:
        while True:
            answer = self.ask(f"{question} ({'Y/n' if default else 'y/N'})").lower()
            if answer in ("", "y", "yes", "n", "no"):
                return answer.startswith("y") if answer else default
            self.say("Type y or n.")


def _ended() -> InvalidRequest:
    return InvalidRequest(
        "setup_unfinished", "The answers ended before the last question; nothing was written."
    )


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C end the waiting at once: the event loop would only note it for later."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
