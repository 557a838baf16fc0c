"""Reading a character from a card in JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.domain.errors import InvalidRequest
from services.domain.ids import PersonaId
from services.persona.character import Character, ModelPreference, Persona, VoiceProfile

_LARGEST_CARD = 10 * 1024 * 1024


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Own(_Loose):
    """What ``extensions.acore`` holds."""

    id: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    voice: Mapping[str, object] = Field(default_factory=dict)
    model: Mapping[str, object] = Field(default_factory=dict)


class _Data(_Loose):
    """The ``data`` object of ``chara_card_v3``, as far as the pipeline needs it."""

    name: str = Field(min_length=1)
    nickname: str = ""
    description: str = ""
    personality: str = ""
    scenario: str = ""
    first_mes: str = ""
    alternate_greetings: tuple[str, ...] = ()
    mes_example: str = ""
    system_prompt: str = ""
    post_history_instructions: str = ""
    creator_notes: str = ""
    tags: tuple[str, ...] = ()
    extensions: Mapping[str, object] = Field(default_factory=dict)


def read_card(path: Path) -> Persona:
    """Read the ``chara_card_v3`` JSON at ``path``; blocking.

    A card without ``extensions.acore.id`` gets an id derived from its folder's name. Raises
    ``InvalidRequest`` naming the problem.
    """
    try:
        if path.stat().st_size > _LARGEST_CARD:
            raise InvalidRequest("card_too_large", f"The card {path.name} is larger than 10 MB.")
        raw = path.read_bytes()
        card = json.loads(raw.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InvalidRequest(
            "card_unreadable", f"The card {path} cannot be read: it is not valid JSON."
        ) from error
    if not isinstance(card, dict) or not isinstance(card.get("data"), dict):
        raise InvalidRequest("card_unknown", f"{path} is not a character card: it has no `data`.")
    slug = path.parent.name
    try:
        data = _Data.model_validate(card["data"])
        own = data.extensions.get("acore")
        own = _Own.model_validate({"id": slug, **(own if isinstance(own, dict) else {})})
        voice, model = VoiceProfile(**own.voice), ModelPreference(**own.model)  # type: ignore[arg-type]
    except (ValidationError, TypeError) as error:
        raise InvalidRequest(
            "card_invalid", f"The card {path} has a field of the wrong type or no name."
        ) from error
    return Persona(
        id=PersonaId(own.id),
        slug=slug,
        version=hashlib.sha256(raw).hexdigest()[:16],
        character=Character(**data.model_dump(exclude={"extensions"})),
        aliases=own.aliases,
        voice=voice,
        model=model,
        tools=own.tools,
        extensions=data.extensions,
    )
