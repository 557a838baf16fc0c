"""What parts of a prompt cost, and what has been taken within a budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.persona.assembly.material import Piece

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """A prompt in order, with the tokens of each message.

    The first ``opening`` messages stand before the history. ``dropped_`` says what had no room,
    ``refused`` names fixed parts that would not even fit alone, ``clipped`` those that were cut in
    the middle.
    """

    messages: Sequence[Piece]
    costs: Sequence[int]
    opening: int
    dropped_history: int = 0
    dropped_examples: int = 0
    refused: Sequence[str] = ()
    clipped: Sequence[str] = ()

    @property
    def tokens(self) -> dict[str, int]:
        """How many tokens each source takes."""
        tokens: Counter[str] = Counter()
        for piece, cost in zip(self.messages, self.costs, strict=True):
            tokens[piece.source] += cost
        return dict(tokens)


@dataclass(slots=True)
class Part:
    """Messages that have been taken, and their tokens."""

    pieces: list[Piece] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)


class Ration:
    """A budget that is used up; each message adds ``overhead`` tokens to those of its text."""

    def __init__(self, budget: int, count: Count, *, overhead: int) -> None:
        self.budget = budget
        self.count = count
        self.overhead = overhead
        self.used = 0
        self.refused: list[str] = []
        self.clipped: list[str] = []

    @property
    def left(self) -> int:
        """Tokens not used yet."""
        return self.budget - self.used

    def cost(self, piece: Piece) -> int:
        """Return the tokens of ``piece`` as a message."""
        name = self.count(piece.name) if piece.name else 0
        return self.count(piece.content) + name + self.overhead

    def take(self, pieces: Sequence[Piece], *, spare: int = 0) -> Part:
        """Take each of ``pieces`` for which there is room, ``spare`` tokens being left over."""
        part = Part()
        for piece in pieces:
            cost = self.cost(piece)
            if cost > self.left - spare:
                self.refused.append(piece.source)
                continue
            self.used += cost
            part.pieces.append(piece)
            part.costs.append(cost)
        return part

    def take_blocks(self, blocks: Sequence[Sequence[Piece]], *, most: int) -> tuple[Part, int]:
        """Take whole blocks until one does not fit; return them and how many had no room.

        All together they take at most ``most`` tokens.
        """
        part = Part()
        room = min(self.left, most)
        for number, block in enumerate(blocks):
            costs = [self.cost(piece) for piece in block]
            cost = sum(costs)
            if cost > room:
                return part, len(blocks) - number
            room -= cost
            self.used += cost
            part.pieces.extend(block)
            part.costs.extend(costs)
        return part, 0

    def arranged(
        self,
        opening: Sequence[Part],
        rest: Sequence[Part],
        *,
        dropped_history: int,
        dropped_examples: int,
    ) -> Arranged:
        """Return the prompt of these parts."""
        parts = [*opening, *rest]
        return Arranged(
            messages=[piece for part in parts for piece in part.pieces],
            costs=[cost for part in parts for cost in part.costs],
            opening=sum(len(part.pieces) for part in opening),
            dropped_history=dropped_history,
            dropped_examples=dropped_examples,
            refused=self.refused,
            clipped=self.clipped,
        )
