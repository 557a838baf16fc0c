"""Messages that are older than their place keeps them."""

from __future__ import annotations

from datetime import timedelta

from services.housekeeping.chore import ChoreReport, Round
from services.memory.forgetting.retention import Retention
from services.people.scopes import ScopedSetting, ScopedSettings, ScopeKind

RETENTION_DAYS: ScopedSetting[float | None] = ScopedSetting(
    "memory.retention_days",
    float | None,
    default=None,
    scopes=frozenset({ScopeKind.CHANNEL, ScopeKind.GUILD, ScopeKind.GLOBAL}),
)
"""Days after which a place forgets what was said; chosen by its moderators and admins."""


class OldMessages:
    """Forgets, place by place, what was said longer ago than the place or the settings keep it.

    A place may keep less than the settings say, never more. Ages are computed against the round,
    so a clock that jumps ahead forgets nothing early.
    """

    name = "messages"

    def __init__(self, retention: Retention, scopes: ScopedSettings, *, days: float | None) -> None:
        self._retention = retention
        self._scopes = scopes
        self._days = days

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Forget them."""
        self._scopes.refresh()
        removed = 0
        for conversation in await self._retention.conversations():
            chosen = await self._scopes.resolve(RETENTION_DAYS, conversation=conversation)
            limits = [days for days in (chosen, self._days) if days is not None and days > 0]
            if not limits:
                continue
            before = circumstances.as_of - timedelta(days=min(limits))
            if circumstances.rehearsal:
                removed += await self._retention.outdated(conversation, before=before)
                continue
            removed += await self._retention.forget_older(
                conversation, before=before, at=circumstances.as_of
            )
        return ChoreReport(removed=removed)
