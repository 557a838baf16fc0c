"""Puts the material of a prompt in order and keeps it within the budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.llm.model import PromptRole
from services.persona.assembly.material import Injection, Material, Piece

Count = Callable[[str], int]
Layout = Literal["sillytavern", "cache"]

OVERHEAD = 4
"""Tokens a chat format adds around a message; 3 and the role by the usual counting."""

ANCHOR = 16
"""In layout ``cache`` a history that must be cut begins at a multiple of this number of messages.

The beginning then stays put for several turns, and with it what a server has evaluated.
"""

ORDERS: Mapping[Layout, Sequence[str]] = {
    "sillytavern": (
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
        "history",
        "history_end",
        "post_history",
        "control",
    ),
    "cache": (
        "before_main",
        "main",
        "after_main",
        "user_description",
        "description",
        "personality",
        "scenario",
        "enhance",
        "auxiliary",
        "examples",
        "new_chat",
        "history",
        "world_before",
        "world_after",
        "injected",
        "answered",
        "history_end",
        "post_history",
        "control",
    ),
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
    "injected",
)

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

    The fixed parts are taken first: control prompts, nudges and separators, then the card's own,
    then all others. History follows from the newest message back until one does not fit, then
    examples, block by block from the first. ``pin_examples`` takes the examples before the history.
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
        fixed = _fixed(self.material)
        stream: Sequence[Piece] = self.material.history
        if layout == "sillytavern":
            stream = with_injections(stream, self.material.injections)
        else:
            fixed["injected"] = with_injections((), self.material.injections)
        parts = {name: self._kept(fixed.get(name, ())) for name in _RESERVED}
        if pin_examples:
            parts["examples"], left_out = self._examples()
        history = self._newest(stream)
        if layout == "cache":
            history = self._anchored(history)
        if not pin_examples:
            parts["examples"], left_out = self._examples()
        said = sum(piece.source == "chatHistory" for piece in history)
        split = len(history)
        if layout == "cache" and history and history[-1].role is PromptRole.USER:
            split -= 1
        parts["history"], parts["answered"] = history[:split], history[split:]
        messages = [piece for name in ORDERS[layout] for piece in parts[name]]
        return Arranged(
            messages=messages,
            tokens=self._by_source(messages),
            dropped_history=len(self.material.history) - said,
            dropped_examples=left_out,
            refused=self.refused,
        )

    def _cost(self, piece: Piece) -> int:
        name = self.count(piece.name) if piece.name else 0
        return self.count(piece.content) + name + OVERHEAD

    def _by_source(self, messages: Sequence[Piece]) -> dict[str, int]:
        tokens: Counter[str] = Counter()
        for piece in messages:
            tokens[piece.source] += self._cost(piece)
        return dict(tokens)

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

    def _newest(self, stream: Sequence[Piece]) -> list[Piece]:
        """Return the newest messages that fit, with what is injected between them."""
        taken: list[Piece] = []
        for piece in reversed(stream):
            cost = self._cost(piece)
            if self.used + cost > self.budget:
                break
            self.used += cost
            taken.append(piece)
        taken.reverse()
        return taken

    def _anchored(self, history: list[Piece]) -> list[Piece]:
        """Return ``history`` cut at a multiple of ``ANCHOR`` if that keeps half of it."""
        start = len(self.material.history) - len(history)
        cut = -start % ANCHOR
        if start == 0 or len(history) - cut < max(1, len(history) // 2):
            return history
        self.used -= sum(map(self._cost, history[:cut]))
        return history[cut:]

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


def _fixed(material: Material) -> dict[str, Sequence[Piece]]:
    """Return the parts that are in every prompt or in none, by name."""
    return {
        "before_main": material.before_main,
        "main": _system(material.main, "main"),
        "after_main": material.after_main,
        "world_before": _system(material.world_before, "worldInfoBefore"),
        "user_description": _system(material.user_description, "personaDescription"),
        "description": _system(material.description, "charDescription"),
        "personality": _system(material.personality, "charPersonality"),
        "scenario": _system(material.scenario, "scenario"),
        "enhance": _system(material.enhance, "enhanceDefinitions"),
        "auxiliary": _system(material.auxiliary, "nsfw"),
        "world_after": _system(material.world_after, "worldInfoAfter"),
        "new_chat": _system(material.new_chat, "newChat"),
        "history_end": material.history_end,
        "post_history": _system(material.post_history, "jailbreak"),
        "control": material.control,
    }


def _system(text: str, source: str) -> list[Piece]:
    if not text.strip():
        return []
    return [Piece(role=PromptRole.SYSTEM, content=text, source=source)]
