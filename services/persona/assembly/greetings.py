"""What a character may say first."""

from __future__ import annotations

from services.persona.character import Character


def greetings(character: Character, *, group: bool = False) -> list[str]:
    """Return the greetings there are to choose from, the card's first one first.

    Those for groups only are at the end, and only for a ``group``. Macros are not filled in.
    """
    found = [character.first_mes, *character.alternate_greetings]
    if group:
        found += character.group_only_greetings
    return [text for text in found if text.strip()]
