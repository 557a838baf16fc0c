"""What a character may say first."""

from __future__ import annotations

from services.domain.errors import InvalidRequest
from services.persona.character import Character


def greetings(character: Character, *, group: bool = False) -> list[str]:
    """Return the greetings there are to choose from, the card's first one first.

    Those for groups only are at the end, and only for a ``group``. Macros are not filled in.
    """
    found = [character.first_mes, *character.alternate_greetings]
    if group:
        found += character.group_only_greetings
    return [text for text in found if text.strip()]


def greeting_text(character: Character, number: int, *, group: bool = False) -> str:
    """Return the greeting of a ``number``, where 0 is the card's first one.

    Those for groups only follow the alternate ones. Raises ``InvalidRequest`` without such a one.
    """
    found = [character.first_mes, *character.alternate_greetings]
    if group:
        found += character.group_only_greetings
    if not 0 <= number < len(found):
        raise InvalidRequest("prompt_greeting", f"The card has no greeting of the number {number}.")
    return found[number]
