"""The parts of a prompt that are in it or not, by name."""

from __future__ import annotations

from collections.abc import Sequence

from services.llm.model import PromptRole
from services.persona.assembly.material import Material, Piece


def fixed_parts(material: Material) -> dict[str, Sequence[Piece]]:
    """Return the parts that are in every prompt or in none, by name."""
    return {
        "before_main": material.before_main,
        "main": system(material.main, "main"),
        "after_main": material.after_main,
        "world_before": system(material.world_before, "worldInfoBefore"),
        "user_description": system(material.user_description, "personaDescription"),
        "description": system(material.description, "charDescription"),
        "personality": system(material.personality, "charPersonality"),
        "world_personality": system(material.world_personality, "worldInfoPersonality"),
        "scenario": system(material.scenario, "scenario"),
        "world_scenario": system(material.world_scenario, "worldInfoScenario"),
        "enhance": system(material.enhance, "enhanceDefinitions"),
        "auxiliary": system(material.auxiliary, "nsfw"),
        "world_after": system(material.world_after, "worldInfoAfter"),
        "new_chat": system(material.new_chat, "newChat"),
        "history_end": material.history_end,
        "post_history": system(material.post_history, "jailbreak"),
        "control": material.control,
    }


def system(text: str, source: str) -> list[Piece]:
    """Return ``text`` as a system message, if it says something."""
    if not text.strip():
        return []
    return [Piece(role=PromptRole.SYSTEM, content=text, source=source)]
