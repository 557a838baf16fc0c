"""The text replacements of a card in a prompt: what of chat and lore they are for."""

from __future__ import annotations

from collections.abc import Sequence

from services.persona.assembly.lore import with_contents
from services.persona.lore.entry import Position
from services.persona.lore.result import ScanResult
from services.persona.regex_scripts import Applied, Placement, RegexScript, ScriptedText


def scripted_chat(
    texts: Sequence[str], by_user: Sequence[bool], *, continued: bool
) -> list[ScriptedText]:
    """Return the messages of a chat, oldest first, as scripts see them.

    Depths count from the newest message, or from the one before it when that is ``continued``.
    """
    newest = len(texts) - (2 if continued else 1)
    return [
        ScriptedText(
            text=text,
            placement=Placement.USER_INPUT if user else Placement.AI_OUTPUT,
            depth=newest - n,
        )
        for n, (text, user) in enumerate(zip(texts, by_user, strict=True))
    ]


def scripted_lore(result: ScanResult, scripts: Sequence[RegexScript]) -> list[ScriptedText]:
    """Return the lore of a scan as scripts see it; nothing where none of them is for lore."""
    if not any(Placement.WORLD_INFO in each.placement for each in scripts):
        return []
    return [
        ScriptedText(
            text=one.content,
            placement=Placement.WORLD_INFO,
            depth=one.entry.depth if one.entry.position == Position.AT_DEPTH else None,
        )
        for one in result.activated
    ]


def with_scripted(result: ScanResult, applied: Sequence[Applied]) -> ScanResult:
    """Return ``result`` with the texts that scripts have made of its lore."""
    if not applied:
        return result
    texts = (each.text for each in applied)
    return with_contents(result, dict(zip(map(id, result.activated), texts, strict=True)))
