"""What people choose about being remembered, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.domain.errors import NotFound
from services.domain.ids import AuthorId, ConversationId, PersonId
from services.domain.people import Role
from services.people.scopes import Asker, Scope, ScopedSetting, ScopedSettings, ScopeKind

Reach = Literal["here", "guild", "everywhere"]

_OWN = frozenset({ScopeKind.USER})

LEARN: ScopedSetting[bool] = ScopedSetting("memory.learn", bool, default=True, scopes=_OWN)
"""Whether facts are learnt from what a person says."""
RECALL: ScopedSetting[bool] = ScopedSetting("memory.recall", bool, default=True, scopes=_OWN)
"""Whether characters are reminded of what a person said earlier."""
REACH: ScopedSetting[Reach | None] = ScopedSetting(
    "memory.reach", Reach | None, default=None, scopes=_OWN
)
"""How far a person's words may be recalled to them; ``None`` is as far as the installation says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyChoices:
    """What one person chose; see the settings of the same names."""

    learn: bool = True
    recall: bool = True
    reach: Reach | None = None


class Privacy:
    """Reads and keeps a person's choices; only the person changes them."""

    def __init__(self, scopes: ScopedSettings) -> None:
        self._scopes = scopes

    async def choices(self, person: PersonId, conversation: ConversationId) -> PrivacyChoices:
        """Return what holds for a person; ``conversation`` is where it is asked."""
        return PrivacyChoices(
            learn=await self._scopes.resolve(LEARN, conversation=conversation, person=person),
            recall=await self._scopes.resolve(RECALL, conversation=conversation, person=person),
            reach=await self._scopes.resolve(REACH, conversation=conversation, person=person),
        )

    async def choose(
        self,
        account: AuthorId,
        person: PersonId | None,
        *,
        learn: bool | None = None,
        recall: bool | None = None,
        reach: Reach | None = None,
    ) -> None:
        """Store what is not ``None``; raises ``NotFound`` for somebody never seen."""
        if person is None:
            raise NotFound("person_unknown", "Say something first, so that you are known.")
        asker = Asker(account=account, role=Role.MEMBER, person=person)
        here = Scope.user(person)
        if learn is not None:
            await self._scopes.set(LEARN, here, learn, asker=asker)
        if recall is not None:
            await self._scopes.set(RECALL, here, recall, asker=asker)
        if reach is not None:
            await self._scopes.set(REACH, here, reach, asker=asker)
