"""The text replacements that characters carry, read once for each version of a card."""

from __future__ import annotations

from collections import OrderedDict

from services.persona.character import Persona
from services.persona.regex_scripts import Placement, RegexScript, Stage, read_scripts

_KEPT = 256

Scripts = tuple[RegexScript, ...]


class CardScripts:
    """Reads scripts; those of the 256 cards last asked for are held."""

    def __init__(self) -> None:
        self._read: OrderedDict[tuple[str, str], Scripts] = OrderedDict()

    def of(self, persona: Persona) -> Scripts:
        """Return the scripts of a character, in the card's order."""
        raw = persona.character.regex_scripts
        if not raw:
            return ()
        key = persona.id, persona.version
        if key not in self._read:
            self._read[key] = read_scripts(raw)
            while len(self._read) > _KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return self._read[key]

    def alter(self, persona: Persona, placement: Placement, stage: Stage) -> bool:
        """Say whether any script of a character may change such texts at this stage."""
        return any(script.applies(placement, stage, None) for script in self.of(persona))
