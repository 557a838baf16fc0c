"""Which voice a character speaks with in a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.domain.errors import InvalidRequest
from services.domain.ids import ConversationId, PersonaId
from services.people.scopes import Asker, Scope, ScopedSetting, ScopedSettings, ScopeKind
from services.persona.character import Persona
from services.voice.synthesis import Voice

SLOWEST, FASTEST = 0.5, 2.0
LOWEST, HIGHEST = -12.0, 12.0

_MOST = 200
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenVoice:
    """What somebody chose for a character; ``None`` leaves the card's."""

    name: str | None = None
    speed: float | None = None
    pitch: float | None = None


VOICES: ScopedSetting[Mapping[str, ChosenVoice]] = ScopedSetting(
    "voice.voices",
    dict[str, ChosenVoice],
    default={},
    scopes=frozenset({ScopeKind.CHANNEL, ScopeKind.GUILD, ScopeKind.GLOBAL}),
)
"""By the ids of characters."""


class Voices:
    """Resolves and changes the voices of characters: the place's choice, else the card's."""

    def __init__(self, scopes: ScopedSettings) -> None:
        self._scopes = scopes

    async def of(self, persona: Persona, conversation: ConversationId, /) -> Voice:
        """Return how a character sounds in a place."""
        profile = persona.voice
        voice = Voice(name=profile.voice, speed=profile.speed, pitch=profile.pitch)
        chosen = (await self._scopes.resolve(VOICES, conversation=conversation)).get(persona.id)
        if chosen is None:
            return voice
        return replace(
            voice,
            name=chosen.name or voice.name,
            speed=voice.speed if chosen.speed is None else chosen.speed,
            pitch=voice.pitch if chosen.pitch is None else chosen.pitch,
        )

    async def choose(
        self, persona: PersonaId, choice: ChosenVoice | None, /, *, scope: Scope, asker: Asker
    ) -> None:
        """Let a character sound so in a scope; ``None`` goes back to the card's voice.

        Raises ``InvalidRequest`` for a speed or pitch out of bounds, ``NotAllowed``.
        """
        _check(choice)
        chosen: Mapping[str, ChosenVoice] = await self._scopes.of_scope(VOICES, scope)
        known = dict(chosen)
        known.pop(persona, None)
        if choice is not None:
            if len(known) >= _MOST:
                raise InvalidRequest("voices_full", "Too many voices were chosen here already.")
            known[persona] = choice
        await self._scopes.set(VOICES, scope, known, asker=asker)


def _check(choice: ChosenVoice | None) -> None:
    if choice is None:
        return
    if choice.speed is not None and not SLOWEST <= choice.speed <= FASTEST:
        raise InvalidRequest("voice_speed", f"Give a speed from {SLOWEST:g} to {FASTEST:g}.")
    if choice.pitch is not None and not LOWEST <= choice.pitch <= HIGHEST:
        raise InvalidRequest(
            "voice_pitch", f"Give a pitch from {LOWEST:g} to {HIGHEST:g} semitones."
        )
    if choice.name is not None and not 0 < len(choice.name) <= _LONGEST_NAME:
        raise InvalidRequest("voice_name", "Give the name of one of the voices there are.")
