"""Who does not want to be listened to."""

from __future__ import annotations

from services.domain.ids import AuthorId
from services.people.own_choices import OwnChoices
from services.people.scopes import ScopedSetting, ScopeKind

UNHEARD: ScopedSetting[bool] = ScopedSetting(
    "voice.unheard", bool, default=False, scopes=frozenset({ScopeKind.USER})
)


class Consent:
    """Keeps it per person; it holds in every call, for all accounts of the person."""

    def __init__(self, own: OwnChoices) -> None:
        self._own = own

    async def given(self, account: AuthorId) -> bool:
        """Tell whether whoever has an account may be listened to."""
        return not await self._own.of(UNHEARD, account)

    async def refuse(self, account: AuthorId) -> None:
        """Have a person listened to nowhere. Raises ``NotFound`` for an account never seen."""
        await self._own.choose(UNHEARD, account, True)

    async def give(self, account: AuthorId) -> None:
        """Have a person listened to again. Raises ``NotFound`` for an account never seen."""
        await self._own.choose(UNHEARD, account, None)
