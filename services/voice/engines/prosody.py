"""How fast and how high to speak, mood included, for engines that know only numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.voice.synthesis import Voice

_SLOWEST, _FASTEST = 0.5, 2.0
_DEEPEST, _HIGHEST = -8.0, 8.0
_SEMITONES = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prosody:
    """``speed`` and ``pitch`` both multiply."""

    speed: float
    pitch: float


# Speed and semitones; directions as acoustic studies of acted emotion agree on them (Juslin and
# Laukka 2003), sizes small enough to stay the same person. Being curious or frustrated is not among
# what those asked for; both are set close to their neighbours.
_MOODS: Mapping[str, tuple[float, float]] = {
    "happy": (1.05, 0.6),
    "excited": (1.12, 1.0),
    "playful": (1.06, 0.8),
    "curious": (1.02, 0.3),
    "frustrated": (1.03, 0.2),
    "angry": (1.06, 0.4),
    "afraid": (1.1, 0.8),
    "scared": (1.1, 0.8),
    "surprised": (1.05, 1.0),
    "sad": (0.9, -0.6),
    "tired": (0.88, -0.8),
    "bored": (0.92, -0.6),
    "calm": (0.95, -0.2),
    "tender": (0.93, -0.2),
    "serious": (0.96, -0.5),
}


def prosody_of(voice: Voice) -> Prosody:
    """Return what to ask of an engine; speed within 0.5 to 2, pitch within 8 semitones."""
    speed, semitones = _MOODS.get((voice.mood or "").casefold(), (1.0, 0.0))
    semitones = min(_HIGHEST, max(_DEEPEST, voice.pitch + semitones))
    return Prosody(
        speed=min(_FASTEST, max(_SLOWEST, voice.speed * speed)),
        pitch=2 ** (semitones / _SEMITONES),
    )
