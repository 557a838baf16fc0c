"""The order of prompts that lets a local server evaluate only their end again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.persona.assembly.examples import SOURCE
from services.persona.assembly.fitting import clip, newest_that_fit
from services.persona.assembly.injections import with_injections
from services.persona.assembly.material import Example, Material, Piece
from services.persona.assembly.measuring import Arranged, Part, Ration
from services.persona.assembly.parts import fixed_parts, system

OPENING = (
    "before_main",
    "main",
    "after_main",
    "description",
    "personality",
    "scenario",
    "enhance",
    "auxiliary",
    "examples",
    "new_chat",
)
"""The parts that stay the same from turn to turn, from the top down."""

REST = ("history", "late", "answered", "history_end", "post_history", "control")
"""The parts behind them. ``late`` is lore, the user's persona and whatever else is injected."""

EXAMPLES_SHARE = 0.2
"""Part of the context that example dialogue may take."""

_CARD_SHARE = 2
_ANSWERED_SHARE = 4
_CARD = OPENING[: OPENING.index("examples")]
_FIRST = ("control", "history_end", "new_chat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Most tokens of the card's texts together, and of the example dialogue."""

    card: int
    examples: int

    @classmethod
    def of(cls, context: int, *, examples: float = EXAMPLES_SHARE) -> Shares:
        """Return the shares of a context of so many tokens: half of it is for the card."""
        return cls(card=context // _CARD_SHARE, examples=int(context * examples))


def arrange_cached(material: Material, ration: Ration, shares: Shares) -> Arranged:
    """Return the prompt in which what changes stands behind the history.

    What stands before it has a share of its own that does not depend on the history, so that it is
    the same in every turn: a card too long for its share is clipped in the middle, examples are
    left out from the end. The history begins where it stays put, see ``newest_that_fit``. What is
    answered is clipped rather than left out: everything else leaves it a quarter of the budget,
    post-history instructions are clipped for that.
    """
    fixed = fixed_parts(material)
    parts = {name: ration.take(fixed[name]) for name in _FIRST}
    quarter = ration.budget // _ANSWERED_SHARE
    parts |= _card(fixed, ration, min(shares.card, ration.left - quarter))
    parts["examples"], left_out = ration.take_blocks(
        [_as_text(example, material.new_example) for example in material.examples],
        most=min(shares.examples, ration.left - quarter),
    )
    wanted = sum(ration.cost(p) for p in material.history if p.ordinal in material.answered)
    spare = min(wanted, quarter)
    parts["post_history"] = _clipped(fixed["post_history"], ration, spare=spare)
    parts["late"] = ration.take(_late(material, fixed), spare=spare)
    fitted = newest_that_fit(material.history, ration, keep=material.answered, cut=material.cut)
    split = next(
        (n for n, piece in enumerate(fitted.pieces) if piece.ordinal in material.answered),
        len(fitted.pieces),
    )
    parts["history"] = Part(fitted.pieces[:split], fitted.costs[:split])
    parts["answered"] = Part(fitted.pieces[split:], fitted.costs[split:])
    return ration.arranged(
        [parts[name] for name in OPENING],
        [parts[name] for name in REST],
        dropped_history=fitted.dropped,
        dropped_examples=left_out,
    )


def _card(fixed: Mapping[str, Sequence[Piece]], ration: Ration, room: int) -> dict[str, Part]:
    """Take the card's texts, the longest clipped until all fit into ``room``."""
    texts = {name: list(fixed[name]) for name in _CARD}
    costs = {
        (name, n): ration.cost(piece)
        for name, pieces in texts.items()
        for n, piece in enumerate(pieces)
    }
    excess = sum(costs.values()) - min(room, ration.left)
    for name, n in sorted(costs, key=costs.__getitem__, reverse=True):
        if excess <= 0:
            break
        piece = texts[name][n]
        room = costs[name, n] - excess - ration.overhead
        clipped = replace(piece, content=clip(piece.content, room, ration.count))
        texts[name][n] = clipped
        ration.clipped.append(piece.source)
        excess -= costs[name, n] - ration.cost(clipped)
    return {name: ration.take(pieces) for name, pieces in texts.items()}


def _clipped(pieces: Sequence[Piece], ration: Ration, *, spare: int) -> Part:
    room = ration.left - spare - ration.overhead
    fitting = [
        replace(each, content=clip(each.content, room, ration.count)) if room > 0 else each
        for each in pieces
    ]
    changed = [each.source for each, whole in zip(fitting, pieces, strict=True) if each != whole]
    ration.clipped.extend(changed)
    return ration.take(fitting, spare=spare)


def _late(material: Material, fixed: Mapping[str, Sequence[Piece]]) -> list[Piece]:
    examples = [*material.examples_top, *material.examples_bottom]
    return [
        *fixed["user_description"],
        *fixed["world_before"],
        *fixed["world_after"],
        *fixed["world_personality"],
        *fixed["world_scenario"],
        *(piece for each in examples for piece in _as_text(each, material.new_example)),
        *with_injections((), material.injections),
    ]


def _as_text(example: Example, heading: str) -> list[Piece]:
    """Return an example as one message with the names in it, which templates would leave out."""
    return system("\n".join(text for text in (heading, example.text) if text), SOURCE)
