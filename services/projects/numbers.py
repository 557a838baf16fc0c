"""The short numbers that people type."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from services.projects.tables import project_numbers

Kind = Literal["project", "task", "idea", "note"]


LARGEST = 1_000_000_000
"""Greatest number that is looked for."""


def is_number(typed: int) -> bool:
    """Tell whether anything may have the number; others do not fit into the database."""
    return 0 < typed <= LARGEST


def next_number(connection: Connection, place: str, kind: Kind) -> int:
    """Return a number never given before in ``place``, from 1."""
    taken = (
        insert(project_numbers)
        .values(place=place, kind=kind, last=1)
        .on_conflict_do_update(
            index_elements=["place", "kind"], set_={"last": project_numbers.c.last + 1}
        )
        .returning(project_numbers.c.last)
    )
    return int(connection.execute(taken).scalar_one())
