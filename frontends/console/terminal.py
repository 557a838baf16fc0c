"""The look of the interactive chat: colours, a sign of waiting, quiet while an answer comes."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from frontends.console.views import CONFIRMATION_HINT, INTERRUPTION_MARK, Report
from frontends.console.wording import printable
from services.conversation.inbound import Withheld
from services.domain.errors import AcoreError
from services.domain.events import Notice
from services.domain.replies import (
    AlternativeAdded,
    ConfirmationRequested,
    PartAdded,
    ReplyEvent,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
)

_DIM = "2"
_RED = "31"
_NAME = "1;35"
_ERASE_LINE = "\r\x1b[K"
_MOST_HELD = 100
_WORDS_OF_A_SPEAKER = frozenset({"greeting", "version"})


def colours_wanted(environ: Mapping[str, str]) -> bool:
    """Tell whether the terminal should get colours (no-color.org, and not on a dumb one)."""
    return not environ.get("NO_COLOR") and can_move(environ)


def can_move(environ: Mapping[str, str]) -> bool:
    """Tell whether the terminal can take back what stands on a line."""
    return environ.get("TERM", "dumb") != "dumb"


class TerminalView:
    """Shows the talk on a terminal.

    Notices that come in the middle of an answer are held back until its end.
    """

    for_people = True

    def __init__(self, out: TextIO, *, colours: bool, moving: bool = True) -> None:
        self._out = out
        self._colours = colours
        self._moving = moving
        self._woken = False
        self._answering = False
        self._mid_line = False
        self._hinted = False
        self._speaker = ""
        self._held: list[Notice] = []

    def wait(self) -> None:
        """Show that something is being waited for, until the next thing is shown."""
        self._hint("")

    def settle(self) -> None:
        """End an answer: nothing is half written, and notices come out."""
        self._answering = False
        self._end_line()
        held, self._held = self._held, []
        for notice in held:
            self.notice(notice)

    def event(self, event: ReplyEvent, /) -> None:
        """Show the next event of an answer."""
        match event:
            case TurnStarted(persona_name=name):
                self._answering = True
                self._speaker = f"{self._paint(_NAME, printable(name))}: "
                self._hint(self._speaker)
            case TextDelta(text=text):
                self._woken = True
                self._add(printable(text))
            case TurnInterrupted():
                self._add(INTERRUPTION_MARK if self._speaker else f" {INTERRUPTION_MARK}")
                self.settle()
            case TurnFailed(user_message=sentence):
                self._end_line()
                self._write(f"{self._paint(_RED, printable(sentence))}\n")
                self.settle()
            case TurnFinished():
                self.settle()
            case _:
                if (remark := _remark(event)) is not None:
                    self.aside(remark)

    def report(self, report: Report, /) -> None:
        """Show a command's result, dimmed unless it is what somebody says."""
        self._end_line()
        if report.note:
            self.aside(report.note)
        text = printable("\n".join(report.lines))
        if report.speaker is None:
            self._write(f"{self._paint(_DIM, text)}\n")
        elif report.kind in _WORDS_OF_A_SPEAKER:
            self._write(f"{self._paint(_NAME, printable(report.speaker))}: {text}\n")
        else:
            self._write(f"{self._paint(_DIM, f'{printable(report.speaker)}: {text}')}\n")

    def refused(self, error: AcoreError, /) -> None:
        """Show the sentence."""
        self._end_line()
        self._write(f"{self._paint(_RED, printable(error.user_message))}\n")

    def withheld(self, withheld: Withheld, /) -> None:
        """Show the reason."""
        self.aside(f"(no answer: {withheld.detail or withheld.reason})")

    def notice(self, notice: Notice, /) -> None:
        """Show the notice on a line of its own, after a running answer."""
        if self._answering:
            self._held = [*self._held, notice][-_MOST_HELD:]
        else:
            self.aside(notice.text)

    def _hint(self, lead: str) -> None:
        if not self._moving:
            return
        self._clear_hint()
        waiting = "…" if self._woken else "waking the model…"
        self._out.write(f"{lead}{self._paint(_DIM, waiting)}")
        self._out.flush()
        self._hinted = True

    def _clear_hint(self) -> None:
        if self._hinted:
            self._out.write(_ERASE_LINE)
            self._hinted = False

    def _add(self, text: str) -> None:
        if not text:
            return
        if self._speaker:
            self._clear_hint()
            text, self._speaker = f"{self._speaker}{text}", ""
        self._write(text)

    def aside(self, text: str) -> None:
        """Show a dimmed line of the console's own."""
        self._end_line()
        self._write(f"{self._paint(_DIM, printable(text))}\n")

    def _end_line(self) -> None:
        self._clear_hint()
        if self._mid_line:
            self._write("\n")

    def _write(self, text: str) -> None:
        self._clear_hint()
        self._out.write(text)
        self._out.flush()
        self._mid_line = not text.endswith("\n")

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours and text else text


def _remark(event: ReplyEvent) -> str | None:
    match event:
        case ToolStarted(name=name):
            return f"[{name} …]"
        case ToolFinished(name=name, is_error=True):
            return f"[{name} did not work]"
        case PartAdded(part=part):
            return f"[{part.kind} {part.name}]"
        case AlternativeAdded(index=index, count=count):
            return f"(version {index + 1} of {count})"
        case ConfirmationRequested(question=question):
            return f"{question} {CONFIRMATION_HINT}"
        case _:
            return None


@contextmanager
def typing_unseen() -> Iterator[None]:
    """Keep what is typed meanwhile out of the answer; it waits for the next prompt.

    Ctrl-C still reaches the process as a signal.
    """
    fd = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(fd)
    except termios.error:
        yield
        return
    quiet = list(before)
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(fd, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        if os.isatty(fd):
            termios.tcsetattr(fd, termios.TCSANOW, before)
