"""Puts activated entries where they go in the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.persona.lore.entry import Position
from services.persona.lore.prepared import PreparedEntry
from services.persona.lore.result import Activation, DepthBlock

_NAMES: Mapping[int, str] = {
    Position.NOTE_TOP: "ANTop",
    Position.NOTE_BOTTOM: "ANBottom",
    Position.EXAMPLES_TOP: "EMTop",
    Position.EXAMPLES_BOTTOM: "EMBottom",
    Position.OUTLET: "outlet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An activation, the place of its entry in the list, and the entry with its decorators."""

    rank: int
    prepared: PreparedEntry
    activation: Activation


@dataclass(slots=True)
class Places:
    """Every place of the prompt, from the top down."""

    before: list[Activation] = field(default_factory=list)
    after: list[Activation] = field(default_factory=list)
    depths: dict[tuple[int, int], list[Activation]] = field(default_factory=dict)
    other: dict[str, list[Activation]] = field(default_factory=dict)
    outlets: dict[str, list[Activation]] = field(default_factory=dict)

    def blocks(self) -> tuple[DepthBlock, ...]:
        """Return the messages at depths, topmost first."""
        return tuple(
            DepthBlock(depth=depth, role=role, entries=tuple(self.depths[depth, role]))
            for depth, role in sorted(self.depths, key=lambda at: (-at[0], -at[1]))
        )


def place(placed: Sequence[Placed], *, messages: int) -> Places:
    """Put every entry with text in its place.

    ``placed`` is in the order of activation. Higher orders come lower; of equal ones the one that
    was activated later comes higher. ``messages`` is the length of the chat.
    """
    places = Places()
    latest_first = placed[::-1]
    for one in sorted(latest_first, key=lambda one: one.activation.entry.order):
        if one.activation.content:
            _put(places, one, messages=messages)
    return places


def _put(places: Places, one: Placed, *, messages: int) -> None:
    entry, conditions = one.activation.entry, one.prepared.conditions
    if conditions.section is not None:
        places.other.setdefault(conditions.section, []).append(one.activation)
        return
    match entry.position:
        case Position.BEFORE:
            places.before.append(one.activation)
        case Position.AFTER:
            places.after.append(one.activation)
        case Position.AT_DEPTH:
            depth = entry.depth
            if conditions.reverse_depth is not None:
                depth = max(0, messages - conditions.reverse_depth)
            places.depths.setdefault((depth, entry.role), []).append(one.activation)
        case Position.OUTLET:
            if entry.outlet_name:
                places.other.setdefault(_NAMES[Position.OUTLET], []).append(one.activation)
                places.outlets.setdefault(entry.outlet_name, []).append(one.activation)
        case _ if entry.position in _NAMES:
            places.other.setdefault(_NAMES[entry.position], []).append(one.activation)
