"""Who may use which tools: rules of places, for everybody, one person or one character."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from services.domain.ids import AuthorId, PersonaId
from services.people.scopes import ScopedSetting, ScopeKind
from services.toolbox.spec import ToolSpec

EVERY_TOOL = "*"
MOST_RULES = 100
"""Rules one place may have."""


class ToolRule(BaseModel):
    """Allows or forbids ``tool``: a tool's name, an area, or ``*`` for all of them.

    ``account`` limits it to what one account asks for, ``persona`` to one character.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    tool: str = Field(min_length=1, max_length=100)
    allow: bool
    account: str = Field("", max_length=100)
    persona: str = Field("", max_length=64)

    @property
    def subject(self) -> tuple[str, str, str]:
        """What it is about; a new rule about the same replaces it."""
        return self.tool, self.account, self.persona

    def concerns(self, tool: ToolSpec, *, persona: PersonaId, asker: AuthorId | None) -> bool:
        """Tell whether it decides about ``tool`` for these two."""
        return (
            self.tool in (EVERY_TOOL, tool.area, tool.name)
            and self.account in ("", str(asker))
            and self.persona in ("", persona)
        )

    def precision(self, tool: ToolSpec) -> tuple[bool, bool, int, bool]:
        """Rank rules about ``tool``; of equal ones that which forbids comes out on top."""
        named = 2 if self.tool == tool.name else int(self.tool == tool.area)
        return bool(self.account), bool(self.persona), named, not self.allow


TOOL_RULES: ScopedSetting[tuple[ToolRule, ...]] = ScopedSetting(
    "place.tool_rules",
    tuple[ToolRule, ...],
    default=(),
    scopes=frozenset({ScopeKind.CHANNEL, ScopeKind.GUILD, ScopeKind.GLOBAL}),
)


def allowed(
    rules: Sequence[Sequence[ToolRule]],
    tool: ToolSpec,
    *,
    persona: PersonaId,
    asker: AuthorId | None,
) -> bool:
    """Tell whether ``tool`` may be used; ``rules`` are those of each scope, the narrowest first.

    The narrowest scope with a rule about it decides; in it one for the person counts before one
    for the character, before one for everybody, and a tool's own before its area's. Without any
    it may be used.
    """
    for scope in rules:
        about = [rule for rule in scope if rule.concerns(tool, persona=persona, asker=asker)]
        if about:
            return max(about, key=lambda rule: rule.precision(tool)).allow
    return True
