"""A character as it appears in a place: the place's wishes over the card's."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from services.conversation.limits import BoundedMap
from services.conversation.place_rules import PlaceRules
from services.domain.ids import PersonaId
from services.persona.character import Persona

_KEPT = 512

_Key = tuple[PersonaId, str, str, int | None, str | None, bool]


class Manners:
    """Gives characters the manners of places; the 512 last asked for are held."""

    def __init__(self) -> None:
        self._known: BoundedMap[_Key, Persona] = BoundedMap(_KEPT)

    def of(self, persona: Persona, rules: PlaceRules) -> Persona:
        """Return ``persona`` as ``rules`` want it, itself where they want nothing.

        House rules, length, way of answering and tools are the place's; the version tells such a
        character from the card's.
        """
        key = (
            persona.id,
            persona.version,
            rules.prompt,
            rules.verbosity,
            rules.framework,
            rules.tools,
        )
        if not any(key[2:5]) and rules.tools:
            return persona
        known = self._known.get(key)
        if known is None:
            known = _mannered(persona, rules, repr(key[2:]))
            self._known.put(key, known)
        return known


def _mannered(persona: Persona, rules: PlaceRules, wishes: str) -> Persona:
    digest = hashlib.sha256(wishes.encode()).hexdigest()[:8]
    changed = replace(persona, version=f"{persona.version}+{digest}", house_rules=rules.prompt)
    if rules.verbosity is not None:
        model = replace(persona.model, max_tokens=None)
        changed = replace(changed, verbosity=rules.verbosity, model=model)
    if rules.framework is not None:
        changed = replace(changed, frameworks={rules.framework: 1.0})
    return changed if rules.tools else replace(changed, tools=())
