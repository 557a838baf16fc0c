"""What the console can show, and how it looks as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from frontends.console.rendering import entry_fields, event_fields, json_line
from frontends.console.wording import printable
from services.conversation.inbound import Withheld
from services.domain.errors import AcoreError
from services.domain.events import Notice
from services.domain.messages import HistoryEntry
from services.domain.replies import (
    ConfirmationRequested,
    ReplyEvent,
    TextDelta,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
)

INTERRUPTION_MARK = "—"
CONFIRMATION_HINT = "(/confirm or /decline)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a command found or did: ``lines`` for people, ``fields`` for programs.

    A ``speaker`` makes the lines that person's words; ``note`` stands before them.
    """

    kind: str
    lines: Sequence[str] = ()
    fields: Mapping[str, object] = field(default_factory=dict)
    speaker: str | None = None
    note: str = ""


def spoken(
    kind: str, entry: HistoryEntry, shown: str, *, note: str = "", **fields: object
) -> Report:
    """Return a report of a recorded message: to people its author's words as they are ``shown``."""
    return Report(
        kind=kind,
        lines=shown.splitlines() or [""],
        fields=entry_fields(entry) | fields,
        speaker=entry.message.author.display_name,
        note=note,
    )


class View(Protocol):
    """Shows what happens, in order, at once. Raises ``OSError`` when nobody can see it."""

    @property
    def for_people(self) -> bool:
        """Whether people read it, and not a program."""
        ...

    def event(self, event: ReplyEvent, /) -> None:
        """Show the next event of an answer."""
        ...

    def report(self, report: Report, /) -> None:
        """Show a command's result."""
        ...

    def refused(self, error: AcoreError, /) -> None:
        """Say why something asked for is not done."""
        ...

    def withheld(self, withheld: Withheld, /) -> None:
        """Say that nobody answers."""
        ...

    def notice(self, notice: Notice, /) -> None:
        """Show a line for the operator."""
        ...


class JsonView:
    """One JSON object per line, each written as soon as it is known."""

    for_people = False

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def event(self, event: ReplyEvent, /) -> None:
        """Write the event with all its fields."""
        self._write(event_fields(event))

    def report(self, report: Report, /) -> None:
        """Write the report's fields, or its lines if it has none."""
        self._write({"kind": report.kind} | dict(report.fields or {"lines": report.lines}))

    def refused(self, error: AcoreError, /) -> None:
        """Write the code and the sentence."""
        self._write({"kind": "refused", "code": error.code, "user_message": error.user_message})

    def withheld(self, withheld: Withheld, /) -> None:
        """Write the reason."""
        self._write(
            {
                "kind": "suppressed",
                "reason": withheld.reason,
                "detail": withheld.detail,
                "retry_after": withheld.retry_after,
            }
        )

    def notice(self, notice: Notice, /) -> None:
        """Write the notice."""
        self._write(event_fields(notice))

    def _write(self, fields: Mapping[str, object]) -> None:
        self._out.write(json_line(fields))
        self._out.flush()


class TextView:
    """Answers on one stream as they come; refusals, failures and notices on another."""

    for_people = True

    def __init__(self, out: TextIO, complaints: TextIO) -> None:
        self._out = out
        self._complaints = complaints
        self._mid_line = False

    def event(self, event: ReplyEvent, /) -> None:
        """Write the answer's text, and how it ended if not well."""
        match event:
            case TextDelta(text=text):
                self._write(printable(text))
            case ConfirmationRequested(question=question):
                self._end_line()
                self._write(f"{printable(question)} {CONFIRMATION_HINT}\n")
            case TurnFinished():
                self._end_line()
            case TurnInterrupted():
                self._write(f" {INTERRUPTION_MARK}")
                self._end_line()
            case TurnFailed(user_message=sentence):
                self._end_line()
                self._complain(sentence)
            case _:
                pass

    def report(self, report: Report, /) -> None:
        """Write the report's lines."""
        self._end_line()
        if report.note:
            self._write(f"{report.note}\n")
        lead = f"{printable(report.speaker)}: " if report.speaker else ""
        self._write(f"{lead}{printable(chr(10).join(report.lines))}\n")

    def refused(self, error: AcoreError, /) -> None:
        """Write the sentence."""
        self._end_line()
        self._complain(error.user_message)

    def withheld(self, withheld: Withheld, /) -> None:
        """Write the reason."""
        self._end_line()
        self._complain(f"(no answer: {withheld.detail or withheld.reason})")

    def notice(self, notice: Notice, /) -> None:
        """Write the notice, out of the answer's way."""
        self._complain(notice.text)

    def _end_line(self) -> None:
        if self._mid_line:
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            self._out.write(text)
            self._out.flush()
            self._mid_line = not text.endswith("\n")

    def _complain(self, sentence: str) -> None:
        self._complaints.write(f"{printable(sentence)}\n")
        self._complaints.flush()
