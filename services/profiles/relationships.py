"""How close a person and a character are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from services.domain.ids import AuthorId, PersonaId
from services.memory.learning.affection import HIGHEST, Affection, Affections, Stage, stage
from services.memory.rights.rows import person_of
from services.storage.database import Database

_WIDTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """Affection from 0 to 100 and its stage.

    ``next_at`` is the value at which the next stage begins, ``None`` in the last. ``changed`` is
    what the latest conversation did to it, the last time at ``changed_at``.
    """

    value: int
    stage: Stage
    next_at: int | None
    changed: int
    changed_at: datetime | None

    @property
    def bar(self) -> str:
        """The value as a bar of twenty parts."""
        full = round(_WIDTH * self.value / HIGHEST)
        return "█" * full + "░" * (_WIDTH - full)

    def as_json(self) -> dict[str, object]:
        """Return the relationship as JSON values."""
        return {
            "affection": self.value,
            "stage": self.stage.value,
            "next_at": self.next_at,
            "changed": self.changed,
            "changed_at": self.changed_at.isoformat() if self.changed_at else None,
        }


class Relationships:
    """Reads what characters feel about people."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._affections = Affections()

    async def of(self, account: AuthorId, persona: PersonaId) -> Relationship:
        """Return how a character feels about the person of an account; strangers begin at 0."""

        def work(connection: Connection) -> Affection:
            person = person_of(connection, account)
            if person is None:
                return Affection()
            return self._affections.get(connection, person, persona)

        async with self._database.reader() as snapshot:
            return relationship(await snapshot.run(work))


def relationship(affection: Affection) -> Relationship:
    """Return what an affection amounts to."""
    later = range(affection.value + 1, HIGHEST + 1)
    return Relationship(
        value=affection.value,
        stage=affection.stage,
        next_at=next((one for one in later if stage(one) is not affection.stage), None),
        changed=affection.changed_here,
        changed_at=affection.updated_at,
    )
