"""Reading a character where it lies: its card and the lorebook beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from services.domain.errors import InvalidRequest
from services.persona.cards.document import CardDocument
from services.persona.cards.files import read_bounded
from services.persona.cards.leniency import as_mapping
from services.persona.cards.limits import CardLimits
from services.persona.cards.personas import persona_of
from services.persona.cards.reading import read_card
from services.persona.cards.shelves import CardPlace
from services.persona.character import Persona
from services.persona.lore.books import as_character_book, read_book_file


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPersona:
    """A character as it was read; ``digest`` is the SHA-256 of its card.

    ``problem`` says why the lorebook beside the card had to be left out.
    """

    persona: Persona
    has_id: bool
    digest: str
    problem: str = ""


def read_placed(place: CardPlace, *, limits: CardLimits) -> PlacedPersona:
    """Read the character at ``place``; a card without a lorebook takes the one beside it.

    Blocking. Raises ``InvalidRequest`` naming what is wrong with the card.
    """
    raw = read_bounded(Path(place.card), limits=limits)
    document = read_card(raw, name=place.card, limits=limits).document
    content, problem = hashlib.sha256(raw), ""
    digest = content.hexdigest()
    if place.book is not None and not (document.character_book or {}).get("entries"):
        try:
            book = read_bounded(place.book, limits=limits)
            document = _with_book(document, book, name=place.slug, limits=limits)
        except InvalidRequest as error:
            problem = f"{place.book}: {error.user_message}"
        else:
            content.update(book)
    version = content.hexdigest()[:16]
    persona = persona_of(document, slug=place.slug, version=version)
    own = as_mapping(document.extensions.get("acore")).get("id")
    return PlacedPersona(persona=persona, has_id=own == persona.id, digest=digest, problem=problem)


def _with_book(
    document: CardDocument, content: bytes, *, name: str, limits: CardLimits
) -> CardDocument:
    book = read_book_file(content, name=name, most_entries=limits.lore_entries)
    return document.with_data(character_book=as_character_book(book))
