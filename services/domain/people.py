"""Who speaks and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from services.domain.ids import AuthorId, PersonaId, PersonId


class AuthorKind(StrEnum):
    """What stands behind an account."""

    HUMAN = "human"
    PERSONA = "persona"
    BOT = "bot"
    SYSTEM = "system"


class Role(IntEnum):
    """Permission levels, each including those below it."""

    GUEST = 0
    MEMBER = 1
    MODERATOR = 2
    ADMIN = 3
    OWNER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """An account as it appears on a message.

    ``person`` joins several accounts of one human; it is filled in when the message is recorded.
    """

    id: AuthorId
    display_name: str
    kind: AuthorKind = AuthorKind.HUMAN
    persona: PersonaId | None = None
    person: PersonId | None = None
