"""Where projects are talked about, opened by whichever platform they live on."""

from __future__ import annotations

from typing import Protocol

from services.domain.errors import AcoreError, Refused
from services.domain.ids import ConversationId
from services.projects.records import Project


class Threads(Protocol):
    """What a platform does with threads; both raise ``AcoreError`` saying why it cannot."""

    async def open(self, project: Project, *, beside: ConversationId) -> ConversationId:
        """Open a thread for ``project`` beside a conversation and return it."""
        ...

    async def close(self, thread: ConversationId) -> None:
        """Put a thread away."""
        ...


class ThreadDirectory:
    """Frontends say here how threads are opened; a place without them has projects all the same."""

    def __init__(self) -> None:
        self._platforms: dict[str, Threads] = {}

    def register(self, platform: str, threads: Threads) -> None:
        """Let ``threads`` serve a platform; the last one counts."""
        self._platforms[platform] = threads

    async def open(
        self, project: Project, *, beside: ConversationId
    ) -> tuple[ConversationId | None, str]:
        """Return the thread opened for ``project``, or ``None`` and why there is none."""
        threads = self._platforms.get(beside.platform)
        if threads is None:
            return None, ""
        try:
            return await threads.open(project, beside=beside), ""
        except AcoreError as error:
            return None, f"It has no thread: {error.user_message}"

    async def close(self, thread: ConversationId) -> str:
        """Put a thread away; return why that was not possible, else an empty text."""
        threads = self._platforms.get(thread.platform)
        try:
            if threads is None:
                raise Refused("thread_unreachable", "Its platform is not connected.")
            await threads.close(thread)
        except AcoreError as error:
            return f"Its thread could not be put away: {error.user_message}"
        return ""
