"""Telling reminders in an open terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from frontends.console.views import Report
from services.domain.ids import AuthorId
from services.reminders.posts import Announcement, Posting

if TYPE_CHECKING:
    from services.reminders.posts import ReminderPosts

PLATFORM = "console"

Show = Callable[[Report], Awaitable[None]]


class TerminalReminders:
    """Shows the reminders of one person; what may have been shown before says so."""

    def __init__(self, show: Show, *, person: AuthorId) -> None:
        self._show = show
        self._person = person

    async def deliver(self, announcement: Announcement, /) -> Posting:
        """Show a reminder; those of others stay due."""
        if announcement.to != self._person:
            return Posting.ABSENT
        try:
            await self._show(report_of(announcement))
        except OSError:
            return Posting.UNCERTAIN
        return Posting.POSTED


@contextmanager
def reminders_shown(posts: ReminderPosts, show: Show, *, person: AuthorId) -> Iterator[None]:
    """Show what ``person`` is reminded of while the block runs; without it, it stays due."""
    post = TerminalReminders(show, person=person)
    posts.register(PLATFORM, post)
    try:
        yield
    finally:
        posts.withdraw(PLATFORM, post)


def report_of(announcement: Announcement) -> Report:
    """Return what a reminder says."""
    lead = f"{announcement.speaker}: " if announcement.speaker else ""
    lines = [f"{lead}{announcement.words}", f"#{announcement.number} {announcement.text}"]
    if announcement.remark:
        lines.append(announcement.remark)
    if announcement.uncertain:
        lines.append("It may have been shown before.")
    return Report(
        kind="reminder_due",
        lines=lines,
        fields={
            "number": announcement.number,
            "text": announcement.text,
            "words": announcement.words,
            "speaker": announcement.speaker,
            "due": announcement.moment,
            "late": announcement.late,
            "possibly_repeated": announcement.uncertain,
        },
    )
