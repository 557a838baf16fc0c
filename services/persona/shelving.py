"""The characters of several folders: what has changed, who hides whom, who is who."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.domain.errors import InvalidRequest
from services.domain.ids import PersonaId
from services.persona.cards.identities import INDEX, IdentityIndex
from services.persona.cards.limits import CardLimits
from services.persona.cards.roster import key_of
from services.persona.cards.shelves import MOST_CARDS, CardPlace, places_in
from services.persona.character import Persona
from services.persona.placed import PlacedPersona, read_placed

logger = logging.getLogger(__name__)

Places = Mapping[str, tuple[int, CardPlace]]
"""What lies on the shelves, by a key of its own: the number of the shelf, and the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """The characters there are, and sentences about cards that are wrong or hidden, each once."""

    personas: Mapping[PersonaId, Persona]
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A place as it was read last; ``content`` is the last that could be read."""

    shelf: int
    place: CardPlace
    content: PlacedPersona | None
    problem: str = ""


@dataclass(slots=True)
class _Composition:
    """Characters by slug and id while it is found out who hides whom."""

    by_slug: dict[str, tuple[int, Persona]] = field(default_factory=dict)
    by_id: dict[PersonaId, tuple[int, Persona]] = field(default_factory=dict)
    hidden: dict[PersonaId, tuple[str, str]] = field(default_factory=dict)


class CardShelves:
    """Reads the cards of ``folders`` once and then those that change.

    A card on a later shelf replaces the one with its slug on an earlier one. Cards without an id
    get one that is kept in ``own``, the folder of imported characters. Everything blocks, and only
    one call may run at a time.
    """

    def __init__(self, folders: Sequence[Path], *, own: Path | None, limits: CardLimits) -> None:
        self._folders = tuple(dict.fromkeys(folders))
        self._own = own
        self._limits = limits
        self._index: IdentityIndex | None = None
        self._known: dict[str, _Known] = {}
        self._personas: dict[PersonaId, Persona] = {}
        self._told: set[str] = set()

    def look(self) -> Places:
        """Return what lies on the shelves now; nothing is opened."""
        return {key: (shelf, place) for key, shelf, place in self._look()}

    def take(self, now: Places, *, before: Places | None = None) -> Shelved | None:
        """Read what is new or has changed, forget what is gone; ``None`` if that is nothing.

        With ``before``, an earlier look, only what was the same then counts: what is being written
        is left for the next time. A card that can no longer be read stays as it was.
        """
        settled = {
            key: found
            for key, found in now.items()
            if before is None or before.get(key) == found or self._is_known(key, found)
        }
        changed = [key for key, found in settled.items() if not self._is_known(key, found)]
        gone = [key for key in self._known if key not in now and key not in (before or ())]
        if not changed and not gone:
            return None
        for key in gone:
            del self._known[key]
        for key in changed:
            self._known[key] = self._read(key, *settled[key])
        problems = [found for key in changed if (found := self._known[key].problem)]
        index = self._index = self._index or IdentityIndex(self._own / INDEX if self._own else None)
        self._personas, hidden = self._compose(index)
        index.save(present=self._known.keys())
        problems += [said for said in hidden if said not in self._told]
        self._told = set(hidden)
        return Shelved(personas=self._personas, problems=problems)

    def _look(self) -> Iterator[tuple[str, int, CardPlace]]:
        for shelf, folder in enumerate(self._folders):
            try:
                places = places_in(folder)
            except OSError as error:  # for now, what was there is taken to be there
                logger.warning(
                    "characters cannot be listed",
                    extra={"folder": str(folder), "problem": str(error)},
                )
                kept = ((k, n) for k, n in self._known.items() if n.shelf == shelf)
                yield from ((key, shelf, known.place) for key, known in kept)
                continue
            for place in places:
                yield key_of(place, None if folder == self._own else shelf), shelf, place

    def _is_known(self, key: str, found: tuple[int, CardPlace]) -> bool:
        known = self._known.get(key)
        return known is not None and (known.shelf, known.place) == found

    def _read(self, key: str, shelf: int, place: CardPlace) -> _Known:
        known = self._known.get(key)
        content = known.content if known else None
        problem = ""
        try:
            content = read_placed(place, limits=self._limits)
            problem = content.problem
        except InvalidRequest as error:
            problem = error.user_message
        except Exception:  # one card must not keep the others from being read
            logger.exception("card cannot be read", extra={"card": place.card})
            problem = f"The card {place.card} cannot be used; the log has the details."
        if problem:
            logger.warning("card left out", extra={"card": place.card, "problem": problem})
            stays = " It stays as it was before." if known and content is known.content else ""
            problem += stays if content is not None else ""
        return _Known(shelf=shelf, place=place, content=content, problem=problem)

    def _compose(self, index: IdentityIndex) -> tuple[dict[PersonaId, Persona], list[str]]:
        """Return the characters by id, unchanged ones as the same objects, and who is hidden."""
        readable = sorted(
            (
                (known.shelf, not known.place.is_folder, known.place.name, key, known.content)
                for key, known in self._known.items()
                if known.content is not None
            ),
            key=lambda each: each[:3],
        )
        taken = {each[4].persona.id for each in readable if each[4].has_id}
        done = _Composition()
        for shelf, _, _, key, content in readable:
            replaced = done.by_slug.get(content.persona.slug)
            if content.has_id:
                own = content.persona.id
            elif replaced is not None and replaced[0] < shelf:
                own = replaced[1].id
            else:
                own = self._given(index, key, content, taken)
            taken.add(own)
            self._place(done, shelf, replace(content.persona, id=own))
        personas = {}
        for shelf, persona in done.by_slug.values():
            if done.by_id[persona.id] == (shelf, persona):
                before = self._personas.get(persona.id)
                same = before is not None and (before.version, before.slug) == (
                    persona.version,
                    persona.slug,
                )
                personas[persona.id] = before if before is not None and same else persona
        said = [
            f"The cards {first} and {other} have the same id, so only {first} is seen; give the "
            "other another extensions.acore.id."
            for first, other in done.hidden.values()
        ]
        if len(self._known) >= MOST_CARDS:
            said.append(f"Only {MOST_CARDS:,} characters of a folder are read.")
        return personas, said

    def _given(
        self, index: IdentityIndex, key: str, content: PlacedPersona, taken: set[PersonaId]
    ) -> PersonaId:
        given = index.identify(
            key,
            content.digest,
            slug=content.persona.slug,
            present=self._known.keys(),
            taken=taken,
        )
        return PersonaId(given)

    def _place(self, done: _Composition, shelf: int, persona: Persona) -> None:
        same = done.by_id.get(persona.id)
        if same is not None and same[0] == shelf:
            if same[1].slug != persona.slug:  # else the folder was made of the file beside it
                done.hidden[persona.id] = (same[1].slug, persona.slug)
            return
        if same is not None and done.by_slug.get(same[1].slug) == same:
            del done.by_slug[same[1].slug]
        slug, number = persona.slug, 1
        while (held := done.by_slug.get(slug)) is not None and held[0] == shelf:
            number += 1
            slug = f"{persona.slug}-{number}"
        placed = shelf, persona if number == 1 else replace(persona, slug=slug)
        done.by_slug[slug] = done.by_id[persona.id] = placed
