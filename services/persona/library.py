"""The characters there are."""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from services.domain.errors import ConfigurationError, NotFound
from services.domain.events import CharactersChanged, DomainEvent, Notice
from services.domain.ids import PersonaId
from services.persona.cards.keeping import clear_unfinished, sole_change
from services.persona.cards.limits import CardLimits
from services.persona.character import Persona
from services.persona.shelving import CardShelves, Places, Shelved

logger = logging.getLogger(__name__)


class CharacterLibrary:
    """Characters from cards in each folder; later folders win a slug.

    A card is ``<slug>/card.json`` or a file in the folder itself. ``own`` is the one of ``folders``
    that imported characters are in; only there is anything written. Changes are taken over by
    ``reload`` and ``look_again`` and published as ``CharactersChanged``; a card that can no longer
    be read stays as it was, and a ``Notice`` names it.
    """

    def __init__(
        self,
        *folders: Path,
        default: str,
        own: Path | None = None,
        limits: CardLimits | None = None,
        publish: Callable[[DomainEvent], None] | None = None,
    ) -> None:
        self._own = own
        self._shelves = CardShelves(folders, own=own, limits=limits or CardLimits())
        self._publish = publish
        self._default = default
        self._default_id: PersonaId | None = None
        self._default_missing = False
        self._seen: Places = {}
        self._lock = asyncio.Lock()
        self._hold({})

    async def __aenter__(self) -> Self:
        if self._own is not None:
            await asyncio.to_thread(_finish_imports, self._own)
        await self.reload()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hold({})

    def reconfigure(self, *, default: str) -> None:
        """Let another character be the default one."""
        self._default = default
        self._default_id, self._default_missing = None, False
        self._note_default()

    def check_default(self, name: str) -> None:
        """Raise ``ConfigurationError`` unless the character ``name`` can be the default one."""
        self._configured(name)

    async def reload(self) -> None:
        """Take over every change at once; a card that cannot be read is logged and left out."""
        async with self._lock:
            self._apply(await asyncio.to_thread(self._reloaded))

    async def look_again(self) -> None:
        """Take over what is as it was at the last call, so that nothing half written is read."""
        async with self._lock:
            self._apply(await asyncio.to_thread(self._looked_again))

    def _reloaded(self) -> Shelved | None:
        self._seen = self._shelves.look()
        return self._shelves.take(self._seen)

    def _looked_again(self) -> Shelved | None:
        before, self._seen = self._seen, self._shelves.look()
        return self._shelves.take(self._seen, before=before)

    def _apply(self, shelved: Shelved | None) -> None:
        if shelved is None:
            return
        news = _difference(self._personas, shelved.personas)
        self._hold(shelved.personas)
        if news != CharactersChanged():
            logger.info(
                "characters changed",
                extra={"new": news.added, "changed": news.changed, "gone": news.removed},
            )
            self._tell(news)
        for problem in shelved.problems:
            self._tell(Notice(code="card_problem", text=problem))
        self._note_default()

    def _hold(self, personas: Mapping[PersonaId, Persona]) -> None:
        self._personas = dict(personas)
        self._sorted = tuple(sorted(personas.values(), key=lambda each: (each.name, each.slug)))
        found = {persona.slug.casefold(): persona for persona in self._sorted}
        for persona in self._sorted:
            for name in persona.names:
                found.setdefault(name.casefold(), persona)
        self._by_name = found

    def _tell(self, event: DomainEvent) -> None:
        if self._publish is not None:
            self._publish(event)

    def all(self) -> Sequence[Persona]:
        """Return every character, by name."""
        return self._sorted

    def get(self, persona: PersonaId) -> Persona | None:
        """Return the character with this id, if it is there."""
        return self._personas.get(persona)

    def find(self, name: str) -> Persona:
        """Return the character with this slug, name or alias, case-insensitively.

        Raises ``NotFound`` naming the closest ones.
        """
        found = self._by_name.get(name.strip().casefold())
        if found is not None:
            return found
        names = [known for persona in self._sorted for known in (persona.slug, persona.name)]
        close = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {self._listed()}."
        raise NotFound("persona_unknown", f"There is no character called {name}; {hint}")

    def default(self) -> Persona:
        """Return the configured default character.

        One that was there and has gone is stood in for: by itself under a new name, else by the
        first character. Raises ``ConfigurationError`` when it never was there, or nobody is left.
        """
        found = self._by_name.get(self._default.strip().casefold())
        if found is None and self._default_id is not None:
            found = self._personas.get(self._default_id) or next(iter(self._sorted), None)
        return found or self._configured(self._default)

    def _note_default(self) -> None:
        """Remember who the default character is, and say once that it is missing."""
        found = self._by_name.get(self._default.strip().casefold())
        if found is not None:
            self._default_id, self._default_missing = found.id, False
        elif self._default_id is not None and not self._default_missing and self._sorted:
            self._default_missing = True
            text = (
                f"The default character {self._default} is not there any more; "
                f"{self.default().name} stands in."
            )
            logger.warning("default character missing", extra={"instead": self.default().slug})
            self._tell(Notice(code="persona_default_missing", text=text))

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
        return ", ".join(persona.slug for persona in self._sorted)


def _difference(
    before: Mapping[PersonaId, Persona], now: Mapping[PersonaId, Persona]
) -> CharactersChanged:
    return CharactersChanged(
        added=tuple(persona for persona in now if persona not in before),
        changed=tuple(
            persona for persona in now if persona in before and now[persona] is not before[persona]
        ),
        removed=tuple(persona for persona in before if persona not in now),
    )


def _finish_imports(own: Path) -> None:
    """Clear away what an import that was killed has left, unless one is going on."""
    if not own.is_dir():
        return
    try:
        with sole_change(own, wait=False) as alone:
            if alone:
                clear_unfinished(own)
    except OSError as error:
        logger.warning("unfinished imports stay", extra={"problem": str(error)})
