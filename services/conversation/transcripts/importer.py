"""Who takes a chat in, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.domain.ids import PersonaId
from services.domain.people import Author, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file: messages ``added`` and ``known`` before, and what was ``left_out``.

    ``standing`` says whether the conversation goes on from the chat's end; otherwise it lies beside
    what was there, from message number ``first`` on.
    """

    added: int
    known: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    standing: bool = False
    first: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {
            "added": self.added,
            "known": self.known,
            "left_out": dict(self.left_out),
            "standing": self.standing,
            "first": self.first,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Who takes a chat in. What a file says of others is believed of owners only."""

    author: Author
    role: Role = Role.MEMBER
    persona: PersonaId | None = None

    @property
    def trusted(self) -> bool:
        """Whether accounts and witnesses are taken over as the file names them."""
        return self.role >= Role.OWNER
