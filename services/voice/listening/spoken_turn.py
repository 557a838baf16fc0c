"""A turn while it is being spoken or waits for its text."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from services.voice.listening.turn_text import TurnText


@dataclass(slots=True, kw_only=True, eq=False)
class SpokenTurn:
    """What is known of a turn, and the work going on for it.

    ``probe_at`` and ``progress_at`` are seconds of voice: when speech is next transcribed as it
    goes, and when progress was last told.
    """

    number: int
    started: float
    ended: float
    text: TurnText = field(default_factory=TurnText)
    continues: int | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    transcription: asyncio.Task[None] | None = None
    judging: asyncio.Task[None] | None = None
    probing: asyncio.Task[None] | None = None
    probability: float | None = None
    probe_at: float = 0.0
    progress_at: float = 0.0
    released: bool = False
    judged_again: bool = False

    def owns(self, task: asyncio.Task[None], /) -> asyncio.Task[None]:
        """Keep a task until it ends, and return it."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def cancel(self) -> None:
        """Stop all work on the turn."""
        for task in tuple(self.tasks):
            task.cancel()


def cancel(task: asyncio.Task[None] | None, /) -> None:
    """Stop a task that may not be there."""
    if task is not None:
        task.cancel()
