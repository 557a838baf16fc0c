"""What is kept of people in notes, and taking it away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, select, text

from services.domain.ids import AuthorId
from services.notes import repository
from services.notes.tables import notes

_OPTIMIZE = text("INSERT INTO note_words (note_words) VALUES ('optimize')")


class NoteHolding:
    """Notes go with whoever wrote them, and with the place they were written in."""

    name = "notes"

    def of_person(
        self, connection: Connection, accounts: Collection[AuthorId], /
    ) -> Sequence[Mapping[str, object]]:
        """Return the person's notes in the order of their numbers."""
        mine = notes.c.owner.in_(map(str, accounts))
        rows = connection.execute(select(notes).where(mine).order_by(notes.c.number)).mappings()
        return [repository.note_of(row).as_json() for row in rows]

    def erase_person(self, connection: Connection, accounts: Collection[AuthorId], /) -> int:
        """Delete the person's notes."""
        return _erased(connection, notes.c.owner.in_(map(str, accounts)))

    def erase_place(self, connection: Connection, place: str, /) -> int:
        """Delete what was written in a place, or shared there."""
        there = (notes.c.place == place) | (notes.c.shared_in == place)
        return _erased(connection, there)


def _erased(connection: Connection, gone: ColumnElement[bool]) -> int:
    """Delete notes, and rewrite the index of words so that no page of it keeps theirs."""
    count = repository.drop_where(connection, gone)
    if count:
        connection.execute(_OPTIMIZE)
    return count
