"""Lists and polls as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.domain.errors import InvalidRequest

MOST_LISTS = 50
MOST_ITEMS = 200
LONGEST_NAME = 60
LONGEST_ITEM = 500
MOST_OPTIONS = 10
LONGEST_QUESTION = 300
LONGEST_OPTION = 80


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a list; ``number`` is what people call it and is never given again."""

    number: int
    text: str
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedList:
    """A list; ``shared`` ones belong to everybody in the place, others to who made them."""

    name: str
    shared: bool
    items: Sequence[Item] = ()

    def as_json(self) -> dict[str, object]:
        """Return the list as JSON values."""
        items = [{"number": i.number, "text": i.text, "done": i.done} for i in self.items]
        return {"name": self.name, "shared": self.shared, "items": items}


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A question with what people may answer; ``votes`` counts each option's.

    ``people`` is how many have voted; with ``several`` each may choose more than one option.
    """

    number: int
    question: str
    options: Sequence[str]
    votes: Sequence[int]
    people: int
    several: bool
    created_at: datetime
    closed_at: datetime | None = None

    @property
    def leading(self) -> Sequence[str]:
        """What has the most votes; more than one when they are even, none without votes."""
        most = max(self.votes, default=0)
        return (
            [
                option
                for option, count in zip(self.options, self.votes, strict=True)
                if count == most
            ]
            if most
            else []
        )

    def as_json(self) -> dict[str, object]:
        """Return the poll as JSON values."""
        return {
            "number": self.number,
            "question": self.question,
            "votes": dict(zip(self.options, self.votes, strict=True)),
            "people": self.people,
            "closed": self.closed_at is not None,
        }


def checked_name(text: str) -> str:
    """Return a list's name in small letters; raises ``InvalidRequest``."""
    name = " ".join(text.split()).casefold()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidRequest("list_name", f"Name the list, in {LONGEST_NAME} characters at most.")
    return name


def checked_line(text: str, *, most: int, what: str) -> str:
    """Return one line of text; raises ``InvalidRequest`` naming ``what`` is meant."""
    line = " ".join(text.replace("\0", "").split())
    if not line or len(line) > most:
        raise InvalidRequest("line_length", f"Write {what}, in {most} characters at most.")
    return line


def checked_options(options: Sequence[str]) -> list[str]:
    """Return what a poll offers, each once; raises ``InvalidRequest``."""
    offered = [checked_line(one, most=LONGEST_OPTION, what="each option") for one in options]
    if len({one.casefold() for one in offered}) != len(offered):
        raise InvalidRequest("poll_options", "Two options of the poll are the same.")
    if not 2 <= len(offered) <= MOST_OPTIONS:
        raise InvalidRequest("poll_options", f"A poll has 2 to {MOST_OPTIONS} options.")
    return offered
