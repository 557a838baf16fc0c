"""The characters: every card can be read, none hides another, the default one is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.doctor.check import Case, Check, Finding, Found, fine, problem, warning
from services.domain.errors import InvalidRequest
from services.persona.cards.acore_fields import read_fields
from services.persona.cards.limits import CardLimits, configured_limits
from services.persona.cards.shelves import CARD, CardPlace, places_in
from services.persona.character import Persona
from services.persona.placed import read_placed

_CORRECT = "Correct the card, or move it away; cards are chara_card_v3 JSON, or files that hold it."
_MISSING = "is missing"
_DEFAULT = "Set persona.default to one of `main.py persona list`"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """A character's folder or file; ``shown`` names it and gives no private character away."""

    shown: str
    private: bool
    persona: Persona | None = None
    has_id: bool = False
    fault: str = ""
    left_out: Sequence[str] = ()


async def _cards(case: Case) -> Found:
    cards = await asyncio.to_thread(_read, case)
    findings = [_faulty(card) for card in cards if card.fault]
    findings += [
        warning(
            f"In {card.shown}: {' '.join(card.left_out)}",
            fix="Correct these fields of the card.",
            cause="data",
        )
        for card in cards
        if card.left_out
    ]
    findings += _hidden(cards)
    readable = [card for card in cards if card.persona is not None]
    if not readable:
        return [
            *findings,
            problem(
                f"There are no characters in {case.loaded.persona.characters}.",
                fix="Restore the characters folder, or correct persona.characters.",
                cause="data",
            ),
        ]
    return findings or fine(f"{len(readable)} characters can be read.")


def _faulty(card: _Card) -> Finding:
    tell = warning if card.fault == _MISSING else problem
    return tell(f"The card {card.shown} {card.fault}.", fix=_CORRECT, cause="data")


def _hidden(cards: Sequence[_Card]) -> Iterator[Finding]:
    first: dict[str, _Card] = {}
    for card in cards:
        if card.persona is None or not card.has_id:
            continue
        other = first.setdefault(card.persona.id, card)
        if other is not card and other.persona is not None:
            if other.persona.slug == card.persona.slug:
                continue  # an own card that replaces a shipped one, as it is meant to
            yield warning(
                f"The cards {other.shown} and {card.shown} have the same id, so only one is seen.",
                fix="Give one of them another extensions.acore.id.",
                cause="data",
            )


async def _default(case: Case) -> Finding:
    wanted = case.loaded.persona.default.strip().casefold()
    cards = await asyncio.to_thread(_read, case)
    for card in cards:
        persona = card.persona
        if persona is not None and wanted in {
            name.casefold() for name in (persona.slug, *persona.names)
        }:
            return fine("The default character is there.")
    shipped = [card.persona.slug for card in cards if card.persona and not card.private]
    known = f", such as {' or '.join(shipped[:3])}." if shipped else "."
    return problem(
        "The default character that persona.default names is not there.",
        fix=_DEFAULT + known,
        cause="settings",
    )


def _read(case: Case) -> list[_Card]:
    folders = (case.loaded.persona.characters, case.data / "characters")
    return [card for folder in folders for card in _in_folder(folder, case)]


def _in_folder(folder: Path, case: Case) -> Iterator[_Card]:
    shipped = folder.resolve() == (case.project / "characters").resolve()
    limits = configured_limits(case.loaded.persona, case.loaded.lore)
    places = {place.name: place for place in places_in(folder)}
    bare = (path.name for path in folder.glob("*") if path.is_dir() and path.name[:1] != ".")
    for name in sorted({*places, *bare}):
        place = places.get(name)
        shown = f"{folder}/{_shown(name, place, private=not shipped)}"
        if place is None:
            yield _Card(shown=shown, private=not shipped, fault=_MISSING)
        else:
            yield _examined(place, shown, private=not shipped, limits=limits)


def _shown(name: str, place: CardPlace | None, *, private: bool) -> str:
    if place is not None and not place.is_folder:
        return f"{name[:1]}…{Path(name).suffix}" if private else name
    return f"{name[:1]}…/{CARD}" if private else f"{name}/{CARD}"


def _examined(place: CardPlace, shown: str, *, private: bool, limits: CardLimits) -> _Card:
    try:
        found = read_placed(place, limits=limits)
    except InvalidRequest as error:
        fault = _FAULTS.get(error.code, "cannot be read as a character card")
        return _Card(shown=shown, private=private, fault=fault)
    _, left_out = read_fields(found.persona.extensions.get("acore"))
    said = (*left_out, "The lorebook beside it cannot be read.") if found.problem else left_out
    return _Card(
        shown=shown, private=private, persona=found.persona, has_id=found.has_id, left_out=said
    )


_FAULTS = {
    "archive_damaged": "is damaged",
    "archive_path": "holds a file with a path that leads out of it",
    "card_cut_off": "is cut off",
    "card_damaged": "is damaged",
    "card_empty": "is empty",
    "card_is_book": "is a lorebook, not a character",
    "card_missing": "holds no card",
    "card_missing_json": "holds no card",
    "card_too_large": "is larger than a card may be",
    "card_too_much_lore": "has more lorebook entries than lore.max_entries",
    "card_unknown": "is not a character card: it has no `data`",
    "card_unreadable": "is not valid JSON",
    "picture_broken": "has a damaged picture",
    "picture_too_large": "has a picture with more pixels than persona.max_megapixels",
}


CHECKS = (
    Check(name="characters", area="characters", examine=_cards),
    Check(name="default_character", area="characters", examine=_default),
)
