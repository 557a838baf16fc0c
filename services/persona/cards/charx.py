"""CHARX: a zip with ``card.json`` and the files the card speaks of."""

from __future__ import annotations

from collections.abc import Mapping

from services.persona.cards.archives import write_archive
from services.persona.cards.limits import CardProblem

CARD_FILE = "card.json"


def card_file(files: Mapping[str, bytes]) -> tuple[bytes, dict[str, bytes]]:
    """Return the card's JSON and all the other files; raises ``CardProblem`` without a card."""
    if CARD_FILE not in files:
        raise CardProblem("card_missing_json", "the archive has no card.json")
    others = {name: content for name, content in files.items() if name != CARD_FILE}
    return files[CARD_FILE], others


def write_charx(card: bytes, *, files: Mapping[str, bytes]) -> bytes:
    """Return the archive; ``card`` is its JSON, ``files`` its other files by path."""
    others = {name: content for name, content in files.items() if name != CARD_FILE}
    return write_archive({CARD_FILE: card, **others})
