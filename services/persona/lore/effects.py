"""What is stored about entries between the scans of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.persona.cards.leniency import as_flag, as_mapping, as_number

_KINDS = ("sticky", "cooldown", "matched")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedEffect:
    """One effect, from one length of the chat to another.

    ``hash`` is the entry's fingerprint when it began. A ``protected`` one stays even if the chat
    has not grown since.
    """

    hash: str
    start: float
    end: float
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedEffects:
    """The effects of one conversation, by the entry's book and id.

    ``matched`` remembers the entries whose decorators ask whether they ever matched.
    """

    sticky: Mapping[str, TimedEffect] = field(default_factory=dict)
    cooldown: Mapping[str, TimedEffect] = field(default_factory=dict)
    matched: Mapping[str, TimedEffect] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return a JSON value that ``from_json`` reads."""
        return {
            kind: {name: _as_json(effect) for name, effect in getattr(self, kind).items()}
            for kind in _KINDS
        }

    @staticmethod
    def from_json(value: object) -> TimedEffects:
        """Return the effects in a JSON value; what is no effect is left out."""
        stored = as_mapping(value)
        return TimedEffects(**{kind: _read(stored.get(kind)) for kind in _KINDS})


NO_EFFECTS = TimedEffects()


def _as_json(effect: TimedEffect) -> dict[str, object]:
    return {
        "hash": effect.hash,
        "start": effect.start,
        "end": effect.end,
        "protected": effect.protected,
    }


def _read(value: object) -> dict[str, TimedEffect]:
    effects = {}
    for name, stored in as_mapping(value).items():
        fields = as_mapping(stored)
        start, end = as_number(fields.get("start")), as_number(fields.get("end"))
        if start is None or end is None:
            continue
        effects[name] = TimedEffect(
            hash=str(fields.get("hash", "")),
            start=start,
            end=end,
            protected=bool(as_flag(fields.get("protected"))),
        )
    return effects
