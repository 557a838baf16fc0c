"""What settings of prompts may say, read as what was clearly meant or refused in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from services.domain.errors import InvalidRequest
from services.llm.model import PromptRole
from services.persona.assembly.material import (
    AuthorsNote,
    DescriptionPlace,
    NotePlace,
    UserDescription,
)
from services.persona.cards.leniency import as_flag, as_number, as_text

Choice = TypeVar("Choice", bound=str)
Place = TypeVar("Place", bound=StrEnum)

LARGEST = 2**53
"""Beyond it JSON readers disagree about a whole number."""

_ROLES: Mapping[str, PromptRole] = {
    "0": PromptRole.SYSTEM,
    "1": PromptRole.USER,
    "2": PromptRole.ASSISTANT,
}
# Numbers are SillyTavern's.
_NOTE_PLACES: Mapping[str, NotePlace] = {
    "0": NotePlace.AFTER_MAIN,
    "1": NotePlace.IN_CHAT,
    "2": NotePlace.BEFORE_MAIN,
}
_DESCRIPTION_PLACES: Mapping[str, DescriptionPlace] = {
    "0": DescriptionPlace.IN_PROMPT,
    "2": DescriptionPlace.NOTE_TOP,
    "3": DescriptionPlace.NOTE_BOTTOM,
    "4": DescriptionPlace.AT_DEPTH,
    "9": DescriptionPlace.NOWHERE,
}


def note(value: object) -> AuthorsNote | None:
    """Return the author's note of a text or an object; raises ``InvalidRequest``."""
    if value is None:
        return None
    raw = value if isinstance(value, Mapping) else {"text": value}
    shipped = AuthorsNote(text="")
    return AuthorsNote(
        text=as_text(raw.get("text")),
        place=_place(raw, NotePlace, _NOTE_PLACES, shipped.place),
        depth=count(raw, "depth", shipped.depth),
        role=_role(raw, shipped.role),
        interval=count(raw, "interval", shipped.interval),
    )


def description(value: object) -> UserDescription | None:
    """Return who the user is, of a text or an object; raises ``InvalidRequest``."""
    if value is None:
        return None
    raw = value if isinstance(value, Mapping) else {"text": value}
    shipped = UserDescription(text="")
    return UserDescription(
        text=as_text(raw.get("text", raw.get("description"))).strip(),
        place=_place(raw, DescriptionPlace, _DESCRIPTION_PLACES, shipped.place),
        depth=count(raw, "depth", shipped.depth),
        role=_role(raw, shipped.role),
    )


def _place(
    raw: Mapping[str, object], kinds: type[Place], numbered: Mapping[str, Place], shipped: Place
) -> Place:
    value = raw.get("place", raw.get("position"))
    if value is None:
        return shipped
    named = as_text(value).strip().lower()
    for place in kinds:
        if named == place:
            return place
    if named in numbered:
        return numbered[named]
    places = ", ".join(kinds)
    raise InvalidRequest("prompt_place", f"The place {named[:40]!r} is none of {places}.")


def _role(raw: Mapping[str, object], shipped: PromptRole) -> PromptRole:
    value = raw.get("role")
    if value is None:
        return shipped
    named = as_text(value).strip().lower()
    for role in _ROLES.values():
        if named == role:
            return role
    if named in _ROLES:
        return _ROLES[named]
    raise InvalidRequest("prompt_role", "A role has to be system, user or assistant.")


def one_of(known: Mapping[str, object], name: str, choices: tuple[Choice, ...]) -> Choice:
    """Return the choice that is named, the first if none is."""
    value = known.get(name)
    if value is None:
        return choices[0]
    named = as_text(value).strip().lower()
    for choice in choices:
        if named == choice:
            return choice
    raise InvalidRequest(
        f"prompt_{name}", f"The {name} {named[:40]!r} is none of {', '.join(choices)}."
    )


def count(raw: Mapping[str, object], name: str, shipped: int) -> int:
    """Return a number of 0 or more, whole; ``shipped`` when there is none."""
    value = raw.get(name)
    if value is None:
        return shipped
    number = as_number(value)
    if number is None or not 0 <= number <= LARGEST:
        raise InvalidRequest("prompt_number", f"{name} has to be a number from 0 to 2⁵³.")
    return int(number)


def share(raw: Mapping[str, object], name: str, shipped: float) -> float:
    """Return a number from 0 to 1; ``shipped`` when there is none."""
    value = raw.get(name)
    if value is None:
        return shipped
    number = as_number(value)
    if number is None or not 0 <= number <= 1:
        raise InvalidRequest("prompt_share", f"{name} has to be a number from 0 to 1.")
    return float(number)


def optional(raw: Mapping[str, object], name: str) -> int | None:
    """Return a whole number, ``None`` for anything else."""
    number = as_number(raw.get(name))
    return None if number is None else int(number)


def switch(known: Mapping[str, object], name: str, *, default: bool = True) -> bool:
    """Return whether something is on; ``default`` for what says neither."""
    read = as_flag(known.get(name))
    return default if read is None else read


def names(value: object) -> tuple[str, ...]:
    """Return names of a list, or of a text with commas between them."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(map(as_text, value)) if isinstance(value, (list, tuple)) else ()


def pairs(value: object) -> list[tuple[str, str]]:
    """Return the pairs in a list; anything else in it is left out."""
    listed = value if isinstance(value, (list, tuple)) else ()
    return [
        (str(pair[0]), str(pair[1]))
        for pair in listed
        if isinstance(pair, (list, tuple)) and len(pair) == 2
    ]
