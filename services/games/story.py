"""A story that people write in turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.domain.ids import AuthorId

LONGEST_TITLE = 100
LONGEST_PART = 1500
MOST_PARTS = 300
MOST_WRITERS = 20
MOST_EVERY = 20
LONGEST_TURN = 7 * 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What somebody wrote; ``mine`` parts are a character's."""

    name: str
    text: str
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Somebody who takes turns; ``account`` is theirs."""

    account: AuthorId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A story with its newest ``parts``; of ``written`` there may be more.

    ``turn`` is whose turn it is until ``turn_until``; afterwards every writer may go on. A
    character goes on after each ``every`` parts, never with 0.
    """

    number: int
    title: str
    every: int
    minutes: int
    writers: Sequence[Writer]
    turn: Writer | None
    turn_until: datetime
    parts: Sequence[Part]
    written: int
    ended: bool

    def as_json(self) -> dict[str, object]:
        """Return the story as JSON values."""
        return {
            "number": self.number,
            "title": self.title,
            "writers": [one.name for one in self.writers],
            "turn": self.turn.name if self.turn else None,
            "parts": [{"name": one.name, "text": one.text} for one in self.parts],
            "written": self.written,
            "ended": self.ended,
        }


def as_markdown(story: Story) -> str:
    """Return a whole story as Markdown; what people wrote is quoted as they wrote it."""
    names = ", ".join(dict.fromkeys(_escaped(part.name) for part in story.parts))
    lines = [f"# {_escaped(story.title)}", "", f"*Written by {names or 'nobody'}*", ""]
    for part in story.parts:
        lines += [f"**{_escaped(part.name)}:** {_escaped_lines(part.text)}", ""]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    flat = " ".join(text.split())
    return "".join(f"\\{one}" if one in "\\`*_[]<>#|" else one for one in flat)


def _escaped_lines(text: str) -> str:
    return "  \n".join(_escaped(line) for line in text.splitlines())
