"""Notes on projects and tasks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.errors import Refused
from services.projects.note_rows import Of, add_note, count_notes, notes_of
from services.projects.project_rows import project_in
from services.projects.records import Note
from services.projects.rules import LONGEST_NOTE, Asker, lines_of
from services.projects.task_rows import task_in
from services.storage.database import Database

MOST_NOTES = 100
"""Notes a project or task may have."""
SHOWN = 10
"""Notes listed at once."""


class ProjectNotes:
    """Keeps remarks on the projects and tasks of each place; members write and read them."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, asker: Asker, of: Of, number: int, content: str) -> Note:
        """Keep a note of at most 1,000 characters on the project or task with a number.

        Raises ``NotFound``, ``NotAllowed``, ``InvalidRequest`` for the text and ``Refused`` when
        there are too many.
        """
        asker.need_member()
        content = lines_of(content, longest=LONGEST_NOTE, what="A note", needed=True)

        def work(connection: Connection) -> Note:
            _need(connection, asker, of, number)
            if count_notes(connection, asker.place, of=of, number=number) >= MOST_NOTES:
                raise Refused("note_limit", f"There are {MOST_NOTES} notes on it already.")
            now = self._clock.now()
            return add_note(connection, asker, of=of, number=number, content=content, at=now)

        async with self._database.transaction() as tx:
            return await tx.run(work)

    async def of(self, asker: Asker, of: Of, number: int) -> Sequence[Note]:
        """Return the last 10 notes on a project or task, the newest first."""

        def work(connection: Connection) -> Sequence[Note]:
            _need(connection, asker, of, number)
            return notes_of(connection, asker.place, of=of, number=number, limit=SHOWN)

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)


def _need(connection: Connection, asker: Asker, of: Of, number: int) -> None:
    if of == "project":
        project_in(connection, asker.place, number)
    else:
        task_in(connection, asker.place, number)
