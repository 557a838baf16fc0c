"""Why an entry may not take part, whatever its keys say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from services.persona.lore.entry import LoreEntry
from services.persona.lore.prepared import PreparedEntry
from services.persona.lore.request import ScanRequest
from services.persona.lore.timed import TimedState


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where a scan is: whether activated content leads, and which delay level is open.

    ``excludes`` says whether entries can stay out of recursion now.
    """

    recursing: bool
    excludes: bool
    level: float


def obstacle(
    rank: int, prepared: PreparedEntry, request: ScanRequest, timed: TimedState, moment: Moment
) -> str | None:
    """Return why the entry is not looked at in this pass; ``None`` if it is."""
    entry = prepared.entry
    sticky = rank in timed.sticky
    if entry.disabled:
        return "disabled"
    if _is_filtered(entry, request):
        return "character filter"
    if entry.triggers and request.trigger.lower() not in entry.triggers:
        return "trigger"
    if len(request.chat) < entry.delay:
        return "delay"
    if rank in timed.cooling and not sticky:
        return "cooldown"
    is_open = moment.recursing and entry.delay_until_recursion <= moment.level
    if entry.delay_until_recursion and not sticky and not is_open:
        return "delayed until recursion"
    if moment.recursing and moment.excludes and entry.exclude_recursion:
        return "excluded from recursion"
    return _unmet(prepared, request, rank in timed.matched)


def _is_filtered(entry: LoreEntry, request: ScanRequest) -> bool:
    wanted = entry.character_filter
    return _differs(wanted.names, request.character_names, exclude=wanted.exclude) or _differs(
        wanted.tags, request.character_tags, exclude=wanted.exclude
    )


def _differs(listed: Collection[str], ours: frozenset[str], *, exclude: bool) -> bool:
    if not listed:
        return False
    return any(name in ours for name in listed) is exclude


def _unmet(prepared: PreparedEntry, request: ScanRequest, matched_before: bool) -> str | None:  # noqa: FBT001
    """Return which condition of its V3 decorators does not hold."""
    conditions = prepared.conditions
    if conditions.activate:
        return None
    if conditions.not_after_match and matched_before:
        return "matched before"
    if conditions.only_after is not None and request.replies < conditions.only_after:
        return "too few replies"
    if conditions.only_every and request.replies % conditions.only_every:
        return "not at this reply"
    if conditions.greeting is not None and conditions.greeting != request.greeting:
        return "another greeting"
    if conditions.user_icon is not None and conditions.user_icon != request.user_icon:
        return "another user icon"
    return None
