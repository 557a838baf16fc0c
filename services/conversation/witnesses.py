"""Who was there when something was said, and what a character therefore knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.conversation.history_rows import Witnesses
from services.domain.ids import AuthorId, PersonaId
from services.domain.messages import HistoryEntry


def known_to(entry: HistoryEntry, persona: PersonaId) -> bool:
    """Tell whether ``persona`` was there when ``entry`` was said.

    A message with no character among its witnesses was said in the open, where every character of
    the place could hear it.
    """
    witnesses = entry.witnesses
    return (
        persona in witnesses
        or entry.message.author.persona == persona
        or not any(isinstance(witness, str) for witness in witnesses)
    )


def known_of(history: Sequence[HistoryEntry], persona: PersonaId) -> list[HistoryEntry]:
    """Return what ``persona`` knows of ``history``."""
    return [entry for entry in history if known_to(entry, persona)]


def personas_among(witnesses: Witnesses) -> frozenset[PersonaId]:
    """Return the characters among ``witnesses``."""
    return frozenset(PersonaId(one) for one in witnesses if isinstance(one, str))


def accounts_among(witnesses: Witnesses) -> frozenset[AuthorId]:
    """Return the accounts among ``witnesses``."""
    return frozenset(one for one in witnesses if isinstance(one, AuthorId))


def witnesses_as_json(witnesses: Witnesses) -> dict[str, list[str]]:
    """Return ``witnesses`` as they are noted beside a turn that answers nobody's message."""
    return {
        "accounts": sorted(str(one) for one in accounts_among(witnesses)),
        "personas": sorted(personas_among(witnesses)),
    }


def witnesses_from_json(noted: object) -> Witnesses:
    """Return what ``witnesses_as_json`` noted; nobody for anything else."""
    if not isinstance(noted, Mapping):
        return frozenset()
    found: set[AuthorId | PersonaId] = {AuthorId.parse(one) for one in noted.get("accounts", ())}
    return frozenset(found | {PersonaId(one) for one in noted.get("personas", ())})
