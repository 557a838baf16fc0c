"""Puts the material of a prompt in order and keeps it within the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from services.persona.assembly.cache_layout import OPENING, REST, Shares, arrange_cached
from services.persona.assembly.injections import with_injections
from services.persona.assembly.material import Material, Piece
from services.persona.assembly.measuring import Arranged, Count, Part, Ration
from services.persona.assembly.parts import fixed_parts

Layout = Literal["sillytavern", "cache"]

OVERHEADS: Mapping[Layout, int] = {"sillytavern": 4, "cache": 8}
"""Tokens that a chat format adds around a message.

Hosted models are usually counted with 3 and the role; chat templates of local models add up to 8.
"""

_OPENING = (
    "before_main",
    "main",
    "after_main",
    "world_before",
    "user_description",
    "description",
    "personality",
    "scenario",
    "enhance",
    "auxiliary",
    "world_after",
    "examples",
    "new_chat",
)
_REST = ("history", "history_end", "post_history", "control")

ORDERS: Mapping[Layout, Sequence[str]] = {
    "sillytavern": (*_OPENING, *_REST),
    "cache": (*OPENING, *REST),
}
"""The parts of a prompt from the top down, by layout."""

# What comes first here is the last to be refused when not even the fixed parts fit.
_RESERVED = (
    "control",
    "history_end",
    "new_chat",
    "main",
    "description",
    "personality",
    "scenario",
    "post_history",
    "user_description",
    "before_main",
    "after_main",
    "enhance",
    "auxiliary",
    "world_before",
    "world_after",
)


def arrange(
    material: Material,
    layout: Layout,
    *,
    budget: int,
    count: Count,
    pin_examples: bool = False,
    shares: Shares | None = None,
    overhead: int | None = None,
) -> Arranged:
    """Return the prompt in the order of ``layout``, of at most ``budget`` tokens.

    In ``sillytavern`` the fixed parts are taken first: control prompts, nudges and separators, then
    the card's own, then all others. History follows from the newest message back until one does
    not fit, then examples, block by block from the first. ``pin_examples`` takes the examples
    before the history. ``cache`` has shares of its own, see ``arrange_cached``. ``overhead`` is
    added to the tokens of each message, by default what is usual where the layout is used.
    """
    ration = Ration(budget, count, overhead=OVERHEADS[layout] if overhead is None else overhead)
    if layout == "cache":
        return arrange_cached(material, ration, shares or Shares.of(budget))
    fixed = fixed_parts(_with_sections(material))
    parts = {name: ration.take(fixed[name]) for name in _RESERVED}
    blocks = [
        example.messages
        for examples in (material.examples_top, material.examples, material.examples_bottom)
        for example in examples
    ]
    if pin_examples:
        parts["examples"], left_out = ration.take_blocks(blocks, most=budget)
    stream = with_injections(material.history, material.injections)
    parts["history"] = history = _newest(stream, ration)
    if not pin_examples:
        parts["examples"], left_out = ration.take_blocks(blocks, most=budget)
    said = sum(piece.ordinal > 0 for piece in history.pieces)
    return ration.arranged(
        [parts[name] for name in _OPENING],
        [parts[name] for name in _REST],
        dropped_history=len(material.history) - said,
        dropped_examples=left_out,
    )


def _with_sections(material: Material) -> Material:
    """Return ``material`` with the lore for a part of the card in that part."""
    return replace(
        material,
        personality=_lines(material.personality, material.world_personality),
        scenario=_lines(material.scenario, material.world_scenario),
    )


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text.strip())


def _newest(stream: Sequence[Piece], ration: Ration) -> Part:
    """Return the newest messages that fit, with what is injected between them."""
    taken = Part()
    for piece in reversed(stream):
        cost = ration.cost(piece)
        if cost > ration.left:
            break
        ration.used += cost
        taken.pieces.append(piece)
        taken.costs.append(cost)
    taken.pieces.reverse()
    taken.costs.reverse()
    return taken
