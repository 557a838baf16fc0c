"""Identifiers: each its own type, so that one is never passed for another."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NewType, Protocol

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest

MessageId = NewType("MessageId", str)
TurnId = NewType("TurnId", str)
PersonaId = NewType("PersonaId", str)
PersonId = NewType("PersonId", str)
ActionId = NewType("ActionId", str)

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class IdSource(Protocol):
    """Hands out ids that sort by creation time."""

    def new(self) -> str:
        """Return an id never returned before by this source."""
        ...


class UlidSource:
    """ULIDs (github.com/ulid/spec): 48 bits of milliseconds, then 80 random bits, base 32.

    Ids from one source increase strictly, also within a millisecond and when the clock steps back.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._last = 0

    def new(self) -> str:
        """Return a 26-character id greater than every earlier one."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        value = (milliseconds << 80) | self._rng.getrandbits(80)
        if value <= self._last:
            value = self._last + 1
        self._last = value
        return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


@dataclass(frozen=True, slots=True)
class ConversationId:
    """Where talk happens: ``platform:scope:channel``; ``str()`` and ``parse()`` round-trip.

    ``scope`` is the guild, ``room`` or ``local``; ``channel`` may itself contain colons.
    """

    platform: str
    scope: str
    channel: str

    def __post_init__(self) -> None:
        """Refuse empty parts and colons outside ``channel``, which ``parse`` could not undo."""
        if not (self.platform and self.scope and self.channel) or ":" in self.platform + self.scope:
            raise InvalidRequest(
                "conversation_id", "A conversation id looks like platform:scope:channel."
            )

    @classmethod
    def parse(cls, text: str) -> ConversationId:
        """Read ``platform:scope:channel``; raises ``InvalidRequest`` on anything else."""
        parts = text.split(":", 2)
        if len(parts) != 3:
            raise InvalidRequest(
                "conversation_id", "A conversation id looks like platform:scope:channel."
            )
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.platform}:{self.scope}:{self.channel}"


@dataclass(frozen=True, slots=True)
class AuthorId:
    """An account on a platform; a person may have several. ``str()`` and ``parse()`` round-trip."""

    platform: str
    user: str

    @classmethod
    def parse(cls, text: str) -> AuthorId:
        """Read ``platform:user``; raises ``InvalidRequest`` on anything else."""
        platform, colon, user = text.partition(":")
        if not (platform and colon and user):
            raise InvalidRequest("author_id", "An author id looks like platform:user.")
        return cls(platform, user)

    def __str__(self) -> str:
        return f"{self.platform}:{self.user}"
