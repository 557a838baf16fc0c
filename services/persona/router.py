"""Who answers a message, decided without a model and explained."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.domain.ids import PersonaId
from services.persona.activity import LIKED_ENOUGH, Activity, liking_for
from services.persona.character import Persona
from services.persona.names import NameIndex, Naming

MOST_RESPONDERS = 3
STICKY_SECONDS = 300.0

RoutingReason = Literal[
    "mention",
    "reply",
    "name",
    "first_name",
    "activity",
    "sticky",
    "weighted",
    "default",
    "only",
    "nobody",
    "natural",
    "list",
    "pooled",
    "manual",
    "asked",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The personas that answer, in order, and why; empty only when nobody is present."""

    personas: tuple[PersonaId, ...]
    reason: RoutingReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    last_responder: tuple[PersonaId, float] | None
    weights: Mapping[PersonaId, float]
    default: PersonaId | None
    activity: Mapping[PersonaId, int]


def route(
    message_text: str,
    present: Sequence[Persona],
    *,
    rng: random.Random,
    mentioned: Collection[PersonaId] = (),
    replied_to: PersonaId | None = None,
    last_responder: tuple[PersonaId, float] | None = None,
    weights: Mapping[PersonaId, float] | None = None,
    default: PersonaId | None = None,
    activity: Activity | None = None,
) -> Routing:
    """Choose who answers.

    Mention > reply > name > first name > activity > sticky > weighted > default.

    Several called in one message all answer, in the order they are called, three at most.

    Args:
        message_text: What was said.
        present: The personas in the place.
        rng: Decides between personas that nothing else tells apart.
        mentioned: Personas the platform says are mentioned.
        replied_to: The persona whose message is answered.
        last_responder: Who answered here last, and how many seconds ago; sticks for 300 s.
        weights: Relative chances of personas nobody called; one that is not listed weighs 1.
            Without a positive weight the choice is ``default``.
        default: Who answers when nothing else decides.
        activity: What the asker is doing; calls whoever likes it, with 50 points and more.
    """
    here = {persona.id: persona.name for persona in present}
    liking = {persona.id: liking_for(activity, persona) for persona in present if activity}
    wishes = _Wishes(
        last_responder=last_responder, weights=weights or {}, default=default, activity=liking
    )
    if not here:
        return Routing(personas=(), reason="nobody", detail="no persona is present")
    namings = NameIndex.of(present).find(message_text)
    called = [persona for persona in here if persona in mentioned]
    if called:
        order = {name.personas[0]: name.start for name in reversed(namings)}
        called.sort(key=lambda persona: order.get(persona, len(message_text)))
        return _several(called, "mention", here)
    if replied_to in here:
        return _several([replied_to], "reply", here)
    if namings:
        named = list(dict.fromkeys(_meant(naming, wishes, rng) for naming in namings))
        full = any(naming.full for naming in namings)
        return _several(named, "name" if full else "first_name", here)
    return _unaddressed(here, wishes, rng)


def _several(
    personas: Sequence[PersonaId], reason: RoutingReason, here: Mapping[PersonaId, str]
) -> Routing:
    chosen = tuple(personas[:MOST_RESPONDERS])
    names = ", ".join(here[persona] for persona in chosen)
    return Routing(personas=chosen, reason=reason, detail=f"{names}: called by {reason}")


def _meant(naming: Naming, wishes: _Wishes, rng: random.Random) -> PersonaId:
    if len(naming.personas) == 1:
        return naming.personas[0]
    sticky = _sticky(naming.personas, wishes)
    return sticky if sticky is not None else _drawn(naming.personas, wishes.weights, rng)


def _unaddressed(here: Mapping[PersonaId, str], wishes: _Wishes, rng: random.Random) -> Routing:
    if len(here) == 1:
        [(persona, name)] = here.items()
        return Routing(personas=(persona,), reason="only", detail=f"{name} is alone here")
    most = max(wishes.activity.values(), default=0)
    if most >= LIKED_ENOUGH:
        keen = [persona for persona in here if wishes.activity.get(persona) == most]
        sticky = _sticky(keen, wishes)
        chosen = sticky if sticky is not None else _drawn(keen, wishes.weights, rng)
        return Routing(
            personas=(chosen,),
            reason="activity",
            detail=f"{here[chosen]} likes what is being done ({most} points)",
        )
    sticky = _sticky(tuple(here), wishes)
    if sticky is not None:
        return Routing(
            personas=(sticky,), reason="sticky", detail=f"{here[sticky]} answered here last"
        )
    weighted = any(wishes.weights.get(persona, 0.0) > 0.0 for persona in here)
    default = wishes.default
    if default is not None and default in here and not weighted:
        return Routing(
            personas=(default,), reason="default", detail=f"{here[default]} answers by default"
        )
    drawn = _drawn(tuple(here), wishes.weights, rng)
    return Routing(personas=(drawn,), reason="weighted", detail=f"{here[drawn]} was drawn")


def _sticky(candidates: Sequence[PersonaId], wishes: _Wishes) -> PersonaId | None:
    if wishes.last_responder is None:
        return None
    persona, seconds_ago = wishes.last_responder
    return persona if persona in candidates and seconds_ago <= STICKY_SECONDS else None


def _drawn(
    candidates: Sequence[PersonaId], weights: Mapping[PersonaId, float], rng: random.Random
) -> PersonaId:
    shares = [max(0.0, weights.get(persona, 1.0)) for persona in candidates]
    if not any(shares):
        return rng.choice(candidates)
    return rng.choices(candidates, weights=shares)[0]
