"""Cards with their macros filled in, once for everything a turn does with them."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from services.persona.assembly.material import UserDescription
from services.persona.character import Character
from services.persona.macros.engine import expand
from services.persona.macros.environment import MacroEnvironment

_REMEMBERED = 256
_LONGEST = 20_000
_NEVER = datetime.min.replace(tzinfo=UTC)
_NAMES = re.compile(
    r"\{\{\s*(?:char|user|trim|newline|noop|//[^{}]*|comment:[^{}]*)\s*\}\}", re.IGNORECASE
)
_NAMED = frozenset({"char", "user", "bot", "trim", "newline", "noop", "comment"})
_OLD_GROUP = re.compile(r"<(?:GROUP|CHARIFNOTGROUP)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledCard:
    """A card, who the user is, and what macros know of both, all filled in.

    Texts that come after the beginning, system prompt and post-history instructions, are not.
    """

    character: Character
    environment: MacroEnvironment
    user: UserDescription | None = None


def fill_card(
    character: Character, environment: MacroEnvironment, *, user: UserDescription | None = None
) -> FilledCard:
    """Fill in the descriptive texts of a card and of the user.

    Macros that change variables do so once, however often the texts are used: for the search of
    lorebooks, for the prompt, for macros that name them.
    """
    own = with_card(environment, character, persona=user.text if user else "")
    character = filled(character, own)
    user = replace(user, text=fill_in(tidy(user.text), own)) if user else None
    known = with_card(environment, character, persona=user.text if user else "")
    return FilledCard(character=character, environment=known, user=user)


def filled(character: Character, environment: MacroEnvironment) -> Character:
    """Return ``character`` with the macros of its descriptive texts filled in."""

    def fill(text: str) -> str:
        return fill_in(tidy(text), environment)

    depth_prompt = character.depth_prompt
    return replace(
        character,
        description=fill(character.description),
        personality=fill(character.personality),
        scenario=fill(character.scenario),
        creator_notes=fill(character.creator_notes),
        depth_prompt=None
        if depth_prompt is None
        else replace(depth_prompt, prompt=fill(depth_prompt.prompt)),
        mes_example=fill(character.mes_example),
    )


def with_card(
    environment: MacroEnvironment, character: Character, *, persona: str = ""
) -> MacroEnvironment:
    """Return ``environment`` with the card's texts and the user's ``persona`` as macros.

    Values that ``environment`` has already stay; variables are shared with it.
    """
    depth_prompt = character.depth_prompt
    values = {
        "description": character.description,
        "personality": character.personality,
        "scenario": character.scenario,
        "persona": persona,
        "mesexamples": character.mes_example,
        "charprompt": character.system_prompt,
        "charjailbreak": character.post_history_instructions,
        "charinstruction": character.post_history_instructions,
        "charfirstmessage": character.first_mes,
        "charversion": character.character_version,
        "char_version": character.character_version,
        "chardepthprompt": depth_prompt.prompt if depth_prompt else "",
        "charcreatornotes": character.creator_notes,
    }
    return replace(environment, values=values | dict(environment.values))


def fill_in(text: str, environment: MacroEnvironment) -> str:
    """Return ``text`` with its macros filled in.

    The last texts whose macros are names alone are remembered: a card is the same in every turn.
    """
    if "{{" not in text and "<" not in text:
        return text
    user, char = environment.user, environment.char
    plain = "{{" not in user + char and environment.values.keys().isdisjoint(_NAMED)
    if plain and len(text) <= _LONGEST and _names_only(text):
        return _with_names(text, user, char)
    return expand(text, environment)


@lru_cache(maxsize=_REMEMBERED)
def _names_only(text: str) -> bool:
    return "{{" not in _NAMES.sub("", text) and not _OLD_GROUP.search(text)


@lru_cache(maxsize=_REMEMBERED)
def _with_names(text: str, user: str, char: str) -> str:
    bare = MacroEnvironment(user=user, char=char, now=_NEVER, rng=random.Random(0))
    return expand(text, bare)


def tidy(text: str) -> str:
    """Return ``text`` without carriage returns and without white space around it."""
    return text.replace("\r", "").strip()
