"""Who there is on the shelves: names and ids that are taken."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.domain.errors import InvalidRequest
from services.persona.cards.files import read_bounded
from services.persona.cards.identities import INDEX, IdentityIndex
from services.persona.cards.leniency import as_mapping
from services.persona.cards.limits import CardLimits
from services.persona.cards.reading import read_card
from services.persona.cards.shelves import CardPlace, places_in, slug_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A character that is there; ``path`` is its folder, or the file that is its card."""

    slug: str
    id: str
    names: tuple[str, ...]
    path: Path
    shelf: Path

    @property
    def is_folder(self) -> bool:
        """Whether it has a folder."""
        return self.path.is_dir()


class Roster:
    """The characters on ``shelves``; one on a later shelf hides those it shares a slug with.

    Cards that cannot be read count by their slug. Blocking.
    """

    def __init__(self, shelves: Sequence[Path], *, limits: CardLimits) -> None:
        self._limits = limits
        self._by_slug: dict[str, Resident] = {}
        self._by_id: dict[str, Resident] = {}
        self._by_name: dict[str, Resident] = {}
        self._ids: set[str] = set()
        own = shelves[-1]
        index = IdentityIndex(own / INDEX)
        for number, shelf in enumerate(shelves):
            for place in places_in(shelf):
                hidden = self._by_slug.get(place.slug)
                if hidden is None or hidden.shelf != shelf:  # else made of the file it lies beside
                    given = index.known(key_of(place, None if shelf == own else number))
                    self.add(self._resident(place, shelf, given))

    def add(self, resident: Resident) -> None:
        """Count this character, too, in the place of one with its slug."""
        self._ids |= {resident.id, resident.slug}
        self._by_slug[resident.slug] = resident
        self._by_id[resident.id] = resident
        for name in resident.names:
            self._by_name[slug_of(name)] = resident

    def has_id(self, wanted: str) -> bool:
        """Tell whether a character has this id or could be taken to have it."""
        return wanted in self._ids

    def find(self, *, id: str | None = None, name: str = "") -> Resident | None:  # noqa: A002
        """Return the character with this id, else the one with this slug or name."""
        slug = slug_of(name)
        found = self._by_id.get(id) if id else None
        if found is None and name:
            found = self._by_slug.get(name) or self._by_slug.get(slug) or self._by_name.get(slug)
        return found

    def _resident(self, place: CardPlace, shelf: Path, given: str | None) -> Resident:
        data = as_mapping(self._card(place).get("data"))
        own = as_mapping(as_mapping(data.get("extensions")).get("acore")).get("id")
        names = (data.get("name"), data.get("nickname"))
        hidden = self._by_slug.get(place.slug)
        return Resident(
            slug=place.slug,
            id=own if isinstance(own, str) else given or (hidden.id if hidden else place.slug),
            names=tuple(name for name in names if isinstance(name, str) and name.strip()),
            path=shelf / place.name,
            shelf=shelf,
        )

    def _card(self, place: CardPlace) -> Mapping[str, object]:
        """Return the card; one in a folder is mostly JSON, which is quicker to look into."""
        try:
            raw = read_bounded(Path(place.card), limits=self._limits)
            if place.is_folder and raw[:1] == b"{":
                return as_mapping(json.loads(raw))
            return read_card(raw, name=place.card, limits=self._limits).document.card
        except (InvalidRequest, ValueError, RecursionError):
            return {}


def key_of(place: CardPlace, shelf: int | None) -> str:
    """Return what the index of ids calls a place; ``None`` is the shelf of imported characters."""
    return place.name if shelf is None else f"{shelf}/{place.name}"
