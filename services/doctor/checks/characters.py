"""The characters: every card can be read, none hides another, the default one is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.doctor.check import Case, Check, Finding, Found, fine, problem, warning
from services.domain.errors import InvalidRequest
from services.persona.cards.acore_fields import read_fields
from services.persona.cards.personas import read_persona
from services.persona.character import Persona

_CORRECT = "Correct the card, or move its folder away; cards are chara_card_v3 JSON."
_MISSING = "is missing"
_DEFAULT = "Set persona.default to one of `main.py persona list`"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """A character's folder; ``shown`` names it without giving a private character away."""

    shown: str
    private: bool
    persona: Persona | None = None
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
        if card.persona is None:
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
    there = sorted(path for path in folder.glob("*") if path.is_dir())
    for path in there:
        file = path / "card.json"
        name = path.name if shipped else f"{path.name[:1]}…"
        shown = f"{folder}/{name}/card.json"
        if not file.is_file():
            yield _Card(shown=shown, private=not shipped, fault=_MISSING)
            continue
        try:
            persona = read_persona(file)
        except InvalidRequest as error:
            fault = _FAULTS.get(error.code, "cannot be read as a character card")
            yield _Card(shown=shown, private=not shipped, fault=fault)
        else:
            _, left_out = read_fields(persona.extensions.get("acore"))
            yield _Card(shown=shown, private=not shipped, persona=persona, left_out=left_out)


_FAULTS = {
    "card_too_large": "is larger than 10 MB",
    "card_unreadable": "is not valid JSON",
    "card_unknown": "is not a character card: it has no `data`",
    "card_invalid": "has a field of the wrong type or no name",
}


CHECKS = (
    Check(name="characters", area="characters", examine=_cards),
    Check(name="default_character", area="characters", examine=_default),
)
