"""How a reminder reaches somebody: what every platform that can tell one brings along."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.domain.ids import AuthorId, ConversationId, PersonaId


class Posting(StrEnum):
    """What became of a delivery.

    ``ABSENT``: nobody can be told now, it stays due. ``FAILED``: it was certainly not shown, a
    later try may work. ``UNCERTAIN``: it may have been shown. ``GONE``: this place is closed to us.
    """

    POSTED = "posted"
    ABSENT = "absent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A reminder as it is told.

    ``words`` are the character's and ``text`` the person's own, to be shown literally; neither may
    ping anybody. ``reminder`` and ``occurrence`` name the delivery. With ``uncertain`` it may have
    been shown already, since ``tried_at`` at the earliest: a platform that can look does so, every
    other one shows it again and says so.
    """

    reminder: str
    occurrence: int
    number: int
    to: AuthorId
    conversation: ConversationId
    private: bool
    persona: PersonaId | None
    speaker: str
    words: str
    text: str
    moment: str
    late: bool = False
    repeats: bool = False
    uncertain: bool = False
    tried_at: datetime | None = None

    @property
    def nonce(self) -> str:
        """A name of this delivery in 24 characters, the same at every try."""
        key = f"{self.reminder}:{self.occurrence}".encode()
        return b32encode(hashlib.blake2b(key, digest_size=15).digest()).decode()

    @property
    def remark(self) -> str:
        """What has to be said beside it, if anything."""
        return f"This was due at {self.moment}." if self.late else ""


class ReminderPost(Protocol):
    """Tells reminders on one platform."""

    async def deliver(self, announcement: Announcement, /) -> Posting:
        """Tell it, once however often this is called, or as often as the platform forces.

        It keeps to the pace the platform allows. A call may be cancelled; it is then uncertain.
        """
        ...


class ReminderPosts:
    """The platforms on which reminders can be told now."""

    def __init__(self) -> None:
        self._posts: dict[str, ReminderPost] = {}
        self._watchers: list[Callable[[], None]] = []

    def register(self, platform: str, post: ReminderPost) -> None:
        """Tell the reminders of ``platform`` through ``post``; what is overdue comes at once."""
        self._posts[platform] = post
        self._announce()

    def withdraw(self, platform: str, post: ReminderPost) -> None:
        """Let the reminders of ``platform`` wait again, if ``post`` still is what tells them."""
        if self._posts.get(platform) is post:
            del self._posts[platform]

    def find(self, platform: str) -> ReminderPost | None:
        """Return what tells reminders on ``platform`` now, if anything."""
        return self._posts.get(platform)

    @property
    def platforms(self) -> Collection[str]:
        """Where somebody can be told something."""
        return tuple(self._posts)

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever a platform is there or a reminder is made or changed."""
        self._watchers.append(changed)

    def news(self) -> None:
        """Say that a reminder was made or changed."""
        self._announce()

    def _announce(self) -> None:
        for changed in self._watchers:
            changed()
