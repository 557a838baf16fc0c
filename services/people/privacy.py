"""What people choose about being remembered, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.domain.errors import NotFound
from services.domain.ids import AuthorId, ConversationId, PersonId
from services.domain.people import Role
from services.memory import scope
from services.people.repository import PeopleRepository
from services.people.scopes import Asker, Scope, ScopedSetting, ScopedSettings, ScopeKind
from services.storage.database import Database

Reach = Literal["here", "guild", "everywhere"]

_OWN = frozenset({ScopeKind.USER})

LEARN: ScopedSetting[bool] = ScopedSetting(scope.LEARN, bool, default=True, scopes=_OWN)
"""Whether facts are learnt from what a person says."""
RECALL: ScopedSetting[bool] = ScopedSetting(scope.RECALL, bool, default=True, scopes=_OWN)
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

    def __init__(
        self, scopes: ScopedSettings, *, database: Database, people: PeopleRepository
    ) -> None:
        self._scopes = scopes
        self._database = database
        self._people = people

    async def choices(self, person: PersonId, conversation: ConversationId) -> PrivacyChoices:
        """Return what holds for a person; ``conversation`` is where it is asked."""
        return PrivacyChoices(
            learn=await self._scopes.resolve(LEARN, conversation=conversation, person=person),
            recall=await self._scopes.resolve(RECALL, conversation=conversation, person=person),
            reach=await self._scopes.resolve(REACH, conversation=conversation, person=person),
        )

    async def chosen_by(self, account: AuthorId, conversation: ConversationId) -> PrivacyChoices:
        """Return what holds for whoever has an account; raises ``NotFound`` for one never seen."""
        return await self.choices(await self._person(account), conversation)

    async def choose(
        self,
        account: AuthorId,
        *,
        learn: bool | None = None,
        recall: bool | None = None,
        reach: Reach | None = None,
    ) -> None:
        """Store what is not ``None``; raises ``NotFound`` for an account never seen."""
        person = await self._person(account)
        asker = Asker(account=account, role=Role.MEMBER, person=person)
        here = Scope.user(person)
        if learn is not None:
            await self._scopes.set(LEARN, here, learn, asker=asker)
        if recall is not None:
            await self._scopes.set(RECALL, here, recall, asker=asker)
        if reach is not None:
            await self._scopes.set(REACH, here, reach, asker=asker)

    async def _person(self, account: AuthorId) -> PersonId:
        try:
            async with self._database.reader() as snapshot:
                return await self._people.owner(snapshot, account)
        except NotFound:
            raise NotFound(
                "person_unknown", "Say something first, so that you are known."
            ) from None
