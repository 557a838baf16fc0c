"""Texts for between the messages of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from services.llm.model import PromptRole
from services.persona.assembly.material import Injection, Piece

# Of one depth, the later in this order stands nearer to the newest message.
_ROLE_ORDER = (PromptRole.ASSISTANT, PromptRole.USER, PromptRole.SYSTEM)


def with_injections(history: Sequence[Piece], injections: Sequence[Injection]) -> list[Piece]:
    """Return ``history`` with ``injections`` between its messages, oldest first.

    Depth 0 is after the newest message; depths beyond the oldest come first. Texts of one depth
    and role become one message.
    """
    found = list(history)
    by_depth: dict[int, list[Injection]] = {}
    for injection in injections:
        by_depth.setdefault(max(0, injection.depth), []).append(injection)
    for depth in sorted(by_depth, reverse=True):
        place = len(found) - min(depth, len(history))
        at_depth = [piece for role in _ROLE_ORDER for piece in _merged(by_depth[depth], role)]
        found[place:place] = at_depth
    return found


def _merged(injections: Sequence[Injection], role: PromptRole) -> list[Piece]:
    own = sorted(
        (injection for injection in injections if injection.role is role),
        key=lambda injection: injection.order,
    )
    if not own:
        return []
    sources = "+".join(dict.fromkeys(injection.source for injection in own))
    text = "\n".join(injection.content for injection in own)
    return [Piece(role=role, content=text, source=sources)]
