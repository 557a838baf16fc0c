"""How what people are to the characters reads on Discord."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from frontends.discord.memory_text import shown
from frontends.discord.paging import bundled
from frontends.discord.places import channel_in
from services.domain.ids import ConversationId, PersonaId
from services.memory.learning.affection import stage
from services.memory.rights.rows import Overview
from services.people.profiles import Binding, BindingKind, Profile, UserPersona
from services.persona.library import CharacterLibrary

_MOST_PLACES = 5
_MOST_CHARACTERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """What ``/me profile`` shows; ``held`` is who they are where they asked."""

    name: str
    held: UserPersona | None
    timezone: str | None
    overview: Overview


def profile_text(known: KnownPerson, library: CharacterLibrary) -> str:
    """Return what is known of a person."""
    counts = known.overview
    lines = [
        f"**{shown(known.name)}**",
        f"Here you are {shown(known.held.name if known.held else known.name)}.",
        f"Time zone: {known.timezone or 'not chosen'}",
        f"Kept of you: {counts.messages} messages, {counts.facts} facts, "
        f"{counts.past_facts} facts that hold no longer; others told "
        f"{counts.told_by_others} things of you.",
    ]
    closest = sorted(counts.affections, key=lambda one: -one.value)
    for one in islice(closest, _MOST_CHARACTERS):
        persona = library.get(PersonaId(one.persona))
        if persona is not None:
            lines.append(f"{shown(persona.name)}: {stage(one.value).value} ({one.value} of 100)")
    return "\n".join(lines)


def persona_pages(profile: Profile, library: CharacterLibrary) -> list[str]:
    """Return the personas of somebody, as pages."""
    if not profile.personas:
        return ["You have no personas; /me add makes one, and characters will see you as it."]
    return bundled(
        f"**{shown(one.name)}**{_holding(one, profile, library)}\n"
        f"-# {shown(one.description) or 'no description'}"
        for one in profile.personas
    )


def persona_pages_of(
    persona: UserPersona, profile: Profile, library: CharacterLibrary
) -> list[str]:
    """Return one persona with all of its description, as pages."""
    head = f"**{shown(persona.name)}**{_holding(persona, profile, library)}"
    return bundled([head, *(shown(part, longest=1700) for part in _parts(persona.description))])


def _parts(text: str) -> Sequence[str]:
    return [text[start : start + 1200] for start in range(0, len(text), 1200)]


def _holding(persona: UserPersona, profile: Profile, library: CharacterLibrary) -> str:
    places = [
        _place(binding, library)
        for binding, identity in profile.bindings.items()
        if identity == persona.id
    ]
    if len(places) > _MOST_PLACES:
        places = [*places[:_MOST_PLACES], "…"]
    if persona.is_default:
        places.append("always")
    return f" ({', '.join(places)})" if places else ""


def _place(binding: Binding, library: CharacterLibrary) -> str:
    if binding.kind is BindingKind.CHARACTER:
        persona = library.get(PersonaId(binding.target))
        return f"with {shown(persona.name) if persona else 'a character that is gone'}"
    channel = channel_in(ConversationId.parse(binding.target))
    return f"in <#{channel}>" if channel is not None else "elsewhere"
