"""What a search of lorebooks found, as prompts take it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from services.llm.model import PromptRole
from services.persona.assembly.material import DepthText, LoreTexts
from services.persona.character import Character
from services.persona.lore.entry import Source
from services.persona.lore.result import Activation, DepthBlock, ScanResult
from services.persona.lore.result import LoreTexts as FoundTexts

_ROLES = (PromptRole.SYSTEM, PromptRole.USER, PromptRole.ASSISTANT)


def lore_texts(found: FoundTexts) -> LoreTexts:
    """Return the texts of a scan as prompts take them."""
    return LoreTexts(
        before=_one(found.before),
        after=_one(found.after),
        note_top=_one(found.note_top),
        note_bottom=_one(found.note_bottom),
        examples_top=found.examples_top,
        examples_bottom=found.examples_bottom,
        at_depth=[
            DepthText(depth=depth, role=_ROLES[role], text=text)
            for depth, role, text in found.at_depth
        ],
        personality=_one(found.sections.get("personality", "")),
        scenario=_one(found.sections.get("scenario", "")),
    )


def sources_of(card: Character, *, user: str) -> Mapping[Source, str]:
    """Return the texts beside the chat that entries may search, of a card that is filled in."""
    return {
        Source.PERSONA_DESCRIPTION: user,
        Source.CHARACTER_DESCRIPTION: card.description,
        Source.PERSONALITY: card.personality,
        Source.DEPTH_PROMPT: card.depth_prompt.prompt if card.depth_prompt else "",
        Source.SCENARIO: card.scenario,
        Source.CREATOR_NOTES: card.creator_notes,
    }


def with_contents(result: ScanResult, contents: Mapping[int, str]) -> ScanResult:
    """Return ``result`` with other contents, by the identity of its activations."""

    def changed(entries: Iterable[Activation]) -> tuple[Activation, ...]:
        return tuple(replace(one, content=contents[id(one)]) for one in entries)

    return replace(
        result,
        activated=changed(result.activated),
        before=changed(result.before),
        after=changed(result.after),
        at_depth=tuple(
            DepthBlock(depth=block.depth, role=block.role, entries=changed(block.entries))
            for block in result.at_depth
        ),
        other={name: changed(entries) for name, entries in result.other.items()},
        outlets={name: changed(entries) for name, entries in result.outlets.items()},
    )


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text.strip() else ()
