"""Choosing who may use which tools in a place."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from services.conversation.places import PlaceSettings
from services.conversation.tool_rules import (
    EVERY_TOOL,
    MOST_RULES,
    TOOL_RULES,
    ToolRule,
    allowed,
)
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import ConversationId
from services.domain.people import Author, Role
from services.people.scopes import Asker, Scope, ScopedSettings, ScopeKind
from services.persona.character import Persona
from services.toolbox.spec import ToolSpec
from services.toolbox.toolbox import Toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStanding:
    """A tool and why it may or may not be used: ``reason`` is empty when it may."""

    tool: ToolSpec
    reason: str

    @property
    def usable(self) -> bool:
        """Whether it may be used."""
        return not self.reason


class ToolPermissions:
    """Says who may use which tools where, and changes it; the same for every frontend."""

    def __init__(self, *, toolbox: Toolbox, places: PlaceSettings, scopes: ScopedSettings) -> None:
        self._toolbox = toolbox
        self._places = places
        self._scopes = scopes
        self._changing = asyncio.Lock()

    async def standing(
        self, conversation: ConversationId, persona: Persona, *, by: Author | None, role: Role
    ) -> Sequence[ToolStanding]:
        """Return every tool, by area and name, as it stands for ``persona`` and who asks."""
        rules = await self._places.of(conversation)

        def reason(tool: ToolSpec) -> str:
            if not rules.tools:
                return "tools are switched off here"
            if role < tool.permission:
                return f"needs the role {tool.permission.name.lower()}"
            if persona.tools is not None and not {tool.name, tool.area} & set(persona.tools):
                return f"not among the tools of {persona.name}"
            asker = None if by is None else by.id
            if not allowed(rules.tool_rules, tool, persona=persona.id, asker=asker):
                return "forbidden here"
            return ""

        found = sorted(self._toolbox.all(), key=lambda tool: (tool.area, tool.name))
        return [ToolStanding(tool=tool, reason=reason(tool)) for tool in found]

    async def rules(self, conversation: ConversationId) -> Sequence[tuple[ScopeKind, ToolRule]]:
        """Return the rules that hold in a place, the narrowest first, each with its width."""
        return [
            (chosen.scope.kind, rule)
            for chosen in await self._scopes.chosen(conversation)
            for rule in TOOL_RULES.read(chosen.values.get(TOOL_RULES.key, ()))
        ]

    async def put(
        self,
        conversation: ConversationId,
        rule: ToolRule,
        *,
        width: ScopeKind = ScopeKind.CHANNEL,
        by: Author,
        role: Role,
    ) -> None:
        """Let ``rule`` hold for the whole ``width``, in place of one about the same.

        Raises ``NotFound`` for a tool that is not there, ``NotAllowed``, and ``InvalidRequest``
        when a place has too many rules.
        """
        self._known(rule.tool)
        await self._change(conversation, width, by, role, add=rule)

    async def drop(
        self,
        conversation: ConversationId,
        tool: str,
        *,
        width: ScopeKind = ScopeKind.CHANNEL,
        by: Author,
        role: Role,
    ) -> int:
        """Take away the rules about ``tool``, all of them with ``*``; return how many there were.

        Raises ``NotAllowed``.
        """
        return await self._change(conversation, width, by, role, drop=tool)

    def names(self) -> Sequence[str]:
        """Return what rules can be about: areas, then tools."""
        tools = self._toolbox.all()
        areas = sorted({tool.area for tool in tools})
        return [*areas, *sorted(tool.name for tool in tools)]

    async def _change(
        self,
        conversation: ConversationId,
        width: ScopeKind,
        by: Author,
        role: Role,
        *,
        add: ToolRule | None = None,
        drop: str | None = None,
    ) -> int:
        scope = {
            ScopeKind.CHANNEL: Scope.channel(conversation),
            ScopeKind.GUILD: Scope.guild(conversation),
            ScopeKind.GLOBAL: Scope.everywhere(),
        }.get(width)
        if scope is None:
            raise InvalidRequest("tool_rule_width", "Rules about tools are those of places.")
        asker = Asker(account=by.id, role=role, person=by.person)
        self._scopes.check(TOOL_RULES, scope, asker=asker)
        async with self._changing:
            before = await self._scopes.of_scope(TOOL_RULES, scope)
            kept = tuple(
                rule for rule in before if drop is None or drop not in (EVERY_TOOL, rule.tool)
            )
            if add is not None:
                kept = (*(rule for rule in kept if rule.subject != add.subject), add)
            if len(kept) > MOST_RULES:
                raise InvalidRequest(
                    "tool_rules", f"A place may have {MOST_RULES} rules about tools; drop some."
                )
            if kept:
                await self._scopes.set(TOOL_RULES, scope, kept, asker=asker)
            else:
                await self._scopes.unset(TOOL_RULES, scope, asker=asker)
        return len(before) - len(kept)

    def _known(self, name: str) -> None:
        names = [EVERY_TOOL, *self.names()]
        if name not in names:
            close = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else "/tools lists what there is."
            raise NotFound("tool_unknown", f"There is no tool called {name[:40]}; {hint}")
