"""Who speaks next in a scene with several characters, decided without a model and explained."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.domain.ids import PersonaId
from services.persona.character import Persona
from services.persona.names import NameIndex
from services.persona.router import Routing, RoutingReason


class Activation(StrEnum):
    """How the characters of a scene take turns.

    NATURAL: those named, then each other one by its talkativeness, else one of the talkative.
    LIST: all, in the scene's order. POOLED: one of those that have not spoken since a person did.
    MANUAL: only whoever is asked to.
    """

    NATURAL = "natural"
    LIST = "list"
    POOLED = "pooled"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What was said last, and by whom.

    ``called`` names characters a platform says are meant; ``speaker`` is the character whose words
    they were, who does not answer itself; ``spoken`` are those who have spoken since a person did.
    """

    text: str = ""
    called: Collection[PersonaId] = ()
    speaker: PersonaId | None = None
    spoken: Collection[PersonaId] = ()


def activate(
    members: Sequence[Persona],
    occasion: Occasion,
    *,
    mode: Activation,
    self_reply: bool,
    rng: random.Random,
) -> Routing:
    """Choose the members that speak, in the order they do; nobody is a possible answer.

    ``rng`` decides who joins in uncalled. A name calls as a whole word, any word of it.
    """
    free = [one for one in members if self_reply or one.id != occasion.speaker]
    match mode:
        case Activation.NATURAL:
            return _natural(free, occasion, rng)
        case Activation.LIST:
            return _chosen("list", free, "in the scene's order")
        case Activation.POOLED:
            return _pooled(free, occasion, rng)
        case Activation.MANUAL:
            return Routing(personas=(), reason="manual", detail="the scene waits to be told who")


def _natural(free: Sequence[Persona], occasion: Occasion, rng: random.Random) -> Routing:
    named = called_in(free, occasion)
    reasons = dict.fromkeys(named, "called")
    for one in free:
        if one.id not in reasons and 0.0 < one.character.talkativeness >= rng.random():
            reasons[one.id] = f"talkativeness {one.character.talkativeness:g}"
    if not reasons:
        talkative = [one for one in free if one.character.talkativeness > 0.0]
        if not talkative:
            return _chosen("natural", [], "")
        reasons[rng.choice(talkative).id] = "drawn"
    names = {one.id: one.name for one in free}
    detail = ", ".join(f"{names[persona]} ({why})" for persona, why in reasons.items())
    return Routing(personas=tuple(reasons), reason="natural", detail=detail)


def _pooled(free: Sequence[Persona], occasion: Occasion, rng: random.Random) -> Routing:
    called = [one for one in free if one.id in occasion.called]
    fresh = [one for one in free if one.id not in occasion.spoken]
    pool = called or fresh or free
    return _chosen("pooled", [rng.choice(pool)] if pool else [], f"drawn from {len(pool)}")


def called_in(members: Sequence[Persona], occasion: Occasion) -> list[PersonaId]:
    """Return the members that a text calls, by name or as the platform says, in its order."""
    namings = NameIndex.of(members, every_word=True).find(occasion.text)
    said = dict.fromkeys(one for naming in namings for one in naming.personas)
    meant = [one.id for one in members if one.id in occasion.called and one.id not in said]
    return [*meant, *said]


def _chosen(reason: RoutingReason, chosen: Sequence[Persona], why: str) -> Routing:
    if not chosen:
        return Routing(personas=(), reason=reason, detail="nobody of the scene feels called")
    names = ", ".join(one.name for one in chosen)
    return Routing(
        personas=tuple(one.id for one in chosen), reason=reason, detail=f"{names}: {why}"
    )
