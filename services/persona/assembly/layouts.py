"""Puts the material of a prompt in order and keeps it within the budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.llm.model import PromptRole
from services.persona.assembly.material import Injection, Material, Piece

Count = Callable[[str], int]
Layout = Literal["sillytavern", "cache"]

OVERHEAD = 4
"""Tokens a chat format adds around a message; 3 and the role by the usual counting."""

# Of one depth, the later in this order stands nearer to the newest message.
_ROLE_ORDER = (PromptRole.ASSISTANT, PromptRole.USER, PromptRole.SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """A prompt in order. ``tokens`` says how many each source takes, ``dropped`` what had no room.

    ``refused`` names fixed parts that would not even fit alone.
    """

    messages: Sequence[Piece]
    tokens: dict[str, int]
    dropped_history: int = 0
    dropped_examples: int = 0
    refused: Sequence[str] = ()


def arrange(
    material: Material, layout: Layout, *, budget: int, count: Count, pin_examples: bool = False
) -> Arranged:
    """Return the prompt in the order of ``layout``, of at most ``budget`` tokens.

    The fixed parts are taken first, the card's own before all others; then history from the newest
    message back until one does not fit; then examples, block by block from the first.
    ``pin_examples`` takes the examples before the history.
    """
    return _Arranging(material, budget, count).arranged(layout, pin_examples=pin_examples)


@dataclass(slots=True)
class _Arranging:
    material: Material
    budget: int
    count: Count
    used: int = 0
    refused: list[str] = field(default_factory=list)

    def arranged(self, layout: Layout, *, pin_examples: bool) -> Arranged:
        material = self.material
        # Control prompts and nudges are reserved first, then the parts from the top.
        control = self._kept(material.control)
        history_end = self._kept(material.history_end)
        new_chat = self._kept(_system(material.new_chat, "newChat"))
        head = self._kept(self._head())
        world = self._kept(_system(material.world_after, "worldInfoAfter"))
        post_history = self._kept(_system(material.post_history, "jailbreak"))
        if pin_examples:
            examples, left_out = self._examples()
            history, cut = self._history()
        else:
            history, cut = self._history()
            examples, left_out = self._examples()
        if layout == "sillytavern":
            order = [head, world, examples, new_chat, history, history_end, post_history, control]
        else:
            order = _late_first(head, examples, history, world, history_end, post_history, control)
        messages = [piece for part in order for piece in part]
        tokens: Counter[str] = Counter()
        for piece in messages:
            tokens[piece.source] += self._cost(piece)
        return Arranged(
            messages=messages,
            tokens=dict(tokens),
            dropped_history=cut,
            dropped_examples=left_out,
            refused=self.refused,
        )

    def _head(self) -> list[Piece]:
        material = self.material
        return [
            *material.before_main,
            *_system(material.main, "main"),
            *material.after_main,
            *_system(material.world_before, "worldInfoBefore"),
            *_system(material.user_description, "personaDescription"),
            *_system(material.description, "charDescription"),
            *_system(material.personality, "charPersonality"),
            *_system(material.scenario, "scenario"),
            *_system(material.auxiliary, "nsfw"),
        ]

    def _cost(self, piece: Piece) -> int:
        name = self.count(piece.name) if piece.name else 0
        return self.count(piece.content) + name + OVERHEAD

    def _kept(self, pieces: Sequence[Piece]) -> list[Piece]:
        kept = []
        for piece in pieces:
            cost = self._cost(piece)
            if self.used + cost > self.budget:
                self.refused.append(piece.source)
                continue
            self.used += cost
            kept.append(piece)
        return kept

    def _history(self) -> tuple[list[Piece], int]:
        """Return the newest messages that fit, with what is injected between them."""
        stream = with_injections(self.material.history, self.material.injections)
        taken: list[Piece] = []
        for piece in reversed(stream):
            cost = self._cost(piece)
            if self.used + cost > self.budget:
                break
            self.used += cost
            taken.append(piece)
        taken.reverse()
        messages = sum(piece.source == "chatHistory" for piece in taken)
        return taken, len(self.material.history) - messages

    def _examples(self) -> tuple[list[Piece], int]:
        taken: list[Piece] = []
        for number, block in enumerate(self.material.examples):
            cost = sum(map(self._cost, block))
            if self.used + cost > self.budget:
                return taken, len(self.material.examples) - number
            self.used += cost
            taken.extend(block)
        return taken, 0


def with_injections(history: Sequence[Piece], injections: Sequence[Injection]) -> list[Piece]:
    """Return ``history`` with ``injections`` between its messages, oldest first.

    Depth 0 is after the newest message; depths beyond the oldest come first. Texts of one depth
    and role become one message.
    """
    found = list(history)
    by_depth: dict[int, list[Injection]] = {}
    for injection in injections:
        by_depth.setdefault(max(0, injection.depth), []).append(injection)
    for depth in sorted(by_depth, reverse=True):
        place = len(found) - min(depth, len(history))
        at_depth = [piece for role in _ROLE_ORDER for piece in _merged(by_depth[depth], role)]
        found[place:place] = at_depth
    return found


def _merged(injections: Sequence[Injection], role: PromptRole) -> list[Piece]:
    own = sorted(
        (injection for injection in injections if injection.role is role),
        key=lambda injection: injection.order,
    )
    if not own:
        return []
    sources = "+".join(dict.fromkeys(injection.source for injection in own))
    text = "\n".join(injection.content for injection in own)
    return [Piece(role=role, content=text, source=sources)]


def _late_first(
    head: list[Piece],
    examples: list[Piece],
    history: list[Piece],
    world: list[Piece],
    history_end: list[Piece],
    post_history: list[Piece],
    control: list[Piece],
) -> list[list[Piece]]:
    """Return the order in which only the end changes from turn to turn."""
    stable = [piece for piece in head if piece.source != "worldInfoBefore"]
    lore = [piece for piece in head if piece.source == "worldInfoBefore"]
    said = [piece for piece in history if piece.source == "chatHistory"]
    late = [piece for piece in history if piece.source != "chatHistory"]
    split = len(said) - 1 if said and said[-1].role is PromptRole.USER else len(said)
    return [
        stable, examples, said[:split], lore, world, late, said[split:],
        history_end, post_history, control,
    ]  # fmt: skip


def _system(text: str, source: str) -> list[Piece]:
    return [Piece(role=PromptRole.SYSTEM, content=text, source=source)] if text else []
