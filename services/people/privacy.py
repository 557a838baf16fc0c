"""What people choose about being remembered, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.domain.ids import AuthorId, PersonId
from services.memory import scope
from services.people.own_choices import OwnChoices
from services.people.scopes import ScopedSetting, ScopeKind

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

    def __init__(self, own: OwnChoices) -> None:
        self._own = own

    async def choices(self, person: PersonId) -> PrivacyChoices:
        """Return what holds for a person."""
        return PrivacyChoices(
            learn=await self._own.of_person(LEARN, person),
            recall=await self._own.of_person(RECALL, person),
            reach=await self._own.of_person(REACH, person),
        )

    async def chosen_by(self, account: AuthorId) -> PrivacyChoices:
        """Return what holds for whoever has an account; raises ``NotFound`` for one never seen."""
        return await self.choices(await self._own.person(account))

    async def choose(
        self,
        account: AuthorId,
        *,
        learn: bool | None = None,
        recall: bool | None = None,
        reach: Reach | None = None,
    ) -> None:
        """Store what is not ``None``; raises ``NotFound`` for an account never seen."""
        if learn is not None:
            await self._own.choose(LEARN, account, learn)
        if recall is not None:
            await self._own.choose(RECALL, account, recall)
        if reach is not None:
            await self._own.choose(REACH, account, reach)
