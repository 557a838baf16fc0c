"""From a card to a persona that can take part in conversations."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path

from services.domain.ids import PersonaId
from services.persona.cards.acore_fields import AcoreFields, read_fields
from services.persona.cards.document import CardDocument
from services.persona.cards.files import read_bounded
from services.persona.cards.jsontree import sound
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import read_card
from services.persona.character import (
    Character,
    EvolutionStep,
    ModelPreference,
    Persona,
    VoiceProfile,
)

logger = logging.getLogger(__name__)


def read_persona(path: Path, *, limits: CardLimits | None = None) -> Persona:
    """Read the card at ``path``, in any form; its folder's name is the slug. Blocking.

    Raises ``InvalidRequest`` naming the problem.
    """
    limits = limits or CardLimits()
    raw = read_bounded(path, limits=limits)
    document = read_card(raw, name=str(path), limits=limits).document
    version = hashlib.sha256(raw).hexdigest()[:16]
    return persona_of(document, slug=path.parent.name, version=version)


def persona_of(document: CardDocument, *, slug: str, version: str) -> Persona:
    """Return the persona a card describes.

    A card without ``extensions.acore.id`` takes its slug for an id, one without a name its slug
    for a name. A wrong field under ``extensions.acore`` is logged and left out.
    """
    own, problems = read_fields(document.extensions.get("acore"))
    if problems:
        logger.warning("card fields left out", extra={"slug": slug, "problems": list(problems)})
    return Persona(
        id=PersonaId(own.id or slug),
        slug=slug,
        version=version,
        character=_character(document, slug=slug),
        aliases=_sound(own.aliases),
        voice=VoiceProfile(**own.voice.model_dump()),
        model=ModelPreference(**own.model.model_dump()),
        tools=own.tools,
        behaviors=own.behaviors,
        knowledge=own.knowledge,
        frameworks=own.frameworks,
        evolution=_evolution(own),
        activities=own.activities,
        verbosity=own.verbosity,
        extensions=document.extensions,
    )


def _character(document: CardDocument, *, slug: str) -> Character:
    def text(name: str) -> str:
        return sound(document.text(name))

    return Character(
        name=text("name").strip() or slug,
        nickname=text("nickname").strip(),
        description=text("description"),
        personality=text("personality"),
        scenario=text("scenario"),
        first_mes=text("first_mes"),
        alternate_greetings=_sound(document.texts("alternate_greetings")),
        mes_example=text("mes_example"),
        system_prompt=text("system_prompt"),
        post_history_instructions=text("post_history_instructions"),
        creator_notes=text("creator_notes"),
        tags=_sound(document.texts("tags")),
        group_only_greetings=_sound(document.group_only_greetings),
        creator=text("creator"),
        character_version=text("character_version"),
        talkativeness=document.talkativeness,
        depth_prompt=document.depth_prompt,
        world=sound(document.world),
        character_book=document.character_book,
        regex_scripts=document.regex_scripts,
    )


def _evolution(own: AcoreFields) -> tuple[EvolutionStep, ...]:
    steps = (EvolutionStep(**step.model_dump()) for step in own.evolution)
    return tuple(sorted(steps, key=lambda step: step.messages))


def _sound(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sound(text) for text in texts)
