"""The characters there are."""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from services.domain.errors import ConfigurationError, InvalidRequest, NotFound
from services.domain.ids import PersonaId
from services.persona.cards.personas import read_persona
from services.persona.character import Persona

logger = logging.getLogger(__name__)


class CharacterLibrary:
    """Characters from ``<folder>/<slug>/card.json`` in each folder; later folders win a slug."""

    def __init__(self, *folders: Path, default: str) -> None:
        self._folders = folders
        self._default = default
        self._personas: dict[PersonaId, Persona] = {}

    async def __aenter__(self) -> Self:
        await self.reload()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._personas.clear()

    def reconfigure(self, *, default: str) -> None:
        """Let another character be the default one."""
        self._default = default

    def check_default(self, name: str) -> None:
        """Raise ``ConfigurationError`` unless the character ``name`` can be the default one."""
        self._configured(name)

    async def reload(self) -> None:
        """Read all cards again; one that cannot be read is logged and left out."""
        self._personas = await asyncio.to_thread(self._read)

    def _read(self) -> dict[PersonaId, Persona]:
        by_slug: dict[str, Persona] = {}
        for folder in self._folders:
            for path in sorted(folder.glob("*/card.json")):
                try:
                    persona = read_persona(path)
                except InvalidRequest as error:
                    logger.warning(
                        "card left out", extra={"card": str(path), "problem": error.user_message}
                    )
                else:
                    by_slug[persona.slug] = persona
        return {persona.id: persona for persona in by_slug.values()}

    def all(self) -> Sequence[Persona]:
        """Return every character, by name."""
        return sorted(self._personas.values(), key=lambda persona: persona.name)

    def get(self, persona: PersonaId) -> Persona | None:
        """Return the character with this id, if it is there."""
        return self._personas.get(persona)

    def find(self, name: str) -> Persona:
        """Return the character with this slug, name or alias, case-insensitively.

        Raises ``NotFound`` naming the closest ones.
        """
        wanted = name.strip().casefold()
        for persona in self.all():
            if wanted in {known.casefold() for known in (persona.slug, *persona.names)}:
                return persona
        names = [known for persona in self.all() for known in (persona.slug, persona.name)]
        close = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {self._listed()}."
        raise NotFound("persona_unknown", f"There is no character called {name}; {hint}")

    def default(self) -> Persona:
        """Return the configured default character; raises ``ConfigurationError`` without one."""
        return self._configured(self._default)

    def _configured(self, name: str) -> Persona:
        try:
            return self.find(name)
        except NotFound as error:
            raise ConfigurationError(
                "persona_default",
                f"The default character {name} is not there; set persona.default to one "
                f"of: {self._listed() or 'none found'}.",
            ) from error

    def _listed(self) -> str:
        return ", ".join(persona.slug for persona in self.all())
