"""How tools, and the rules about them, are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import discord

from frontends.discord.places import author_of
from services.conversation.tool_permissions import ToolStanding
from services.conversation.tool_rules import EVERY_TOOL, ToolRule
from services.people.scopes import ScopeKind
from services.persona.character import Persona

_WIDTHS = {
    ScopeKind.CHANNEL: "this channel",
    ScopeKind.GUILD: "this server",
    ScopeKind.GLOBAL: "everywhere",
}


def rule_made(
    tool: str, *, allow: bool, member: discord.User | None, persona: Persona | None
) -> ToolRule:
    """Return the rule that a command asks for."""
    return ToolRule(
        tool=tool.strip()[:100] or EVERY_TOOL,
        allow=allow,
        account="" if member is None else str(author_of(member).id),
        persona="" if persona is None else persona.id,
    )


def subject(rule: ToolRule, persona: Persona | None = None) -> str:
    """Return what a rule is about, for reading."""
    name = "all tools" if rule.tool == EVERY_TOOL else f"`{rule.tool}`"
    user = rule.account.partition(":")[2]
    member = f" for <@{user}>" if user else ""
    character = persona.name if persona is not None else rule.persona
    return f"{name}{member}" + (f" by {character}" if character else "")


def standing_lines(
    standing: Sequence[ToolStanding], rules: Sequence[tuple[ScopeKind, ToolRule]]
) -> Iterator[str]:
    """Yield each kind of tools with its tools, then the rules that hold."""
    area = ""
    for one in standing:
        if one.tool.area != area:
            area = one.tool.area
            yield f"**{area}**"
        mark = "" if one.usable else f" ({one.reason})"
        yield f"`{one.tool.name}`{mark}: {one.tool.description}"
    for width, rule in rules:
        verb = "allowed" if rule.allow else "forbidden"
        yield f"-# {verb} in {_WIDTHS[width]}: {subject(rule)}"
