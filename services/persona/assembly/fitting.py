"""How much of a conversation fits, and from where it is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.persona.assembly.material import Piece
from services.persona.assembly.measuring import Count, Ration

_GIVEN_UP = 3
_SHRINKING = 0.95


@dataclass(frozen=True, slots=True)
class Fitted:
    """The messages that go into a prompt, the tokens of each, and how many do not."""

    pieces: list[Piece]
    costs: list[int]
    dropped: int


def newest_that_fit(
    history: Sequence[Piece],
    ration: Ration,
    *,
    keep: frozenset[int] = frozenset(),
    cut: bool = False,
) -> Fitted:
    """Return the newest messages within what is left of ``ration``, which is not used up by it.

    Of the messages at which a cut history may begin, giving up at most a third of what would fit,
    it begins at the one whose ordinal is divisible by the highest power of two. So the beginning
    stays put for many turns, and with it what a server has evaluated. ``cut`` says that there is
    more than ``history``. From the first message whose ordinal is in ``keep`` on, messages are
    clipped in the middle rather than left out.
    """
    costs: list[int] = []
    used, room = 0, ration.left
    for piece in reversed(history):
        cost = ration.cost(piece)
        if used + cost > room:
            break
        used += cost
        costs.append(cost)
    costs.reverse()
    start = len(history) - len(costs)
    asked = next((n for n, piece in enumerate(history) if piece.ordinal in keep), len(history))
    if asked < start:
        return _clipped(history[asked:], ration, dropped=asked)
    if start > 0 or cut:
        anchor = _anchor(history[start:], costs, spare=used // _GIVEN_UP, last=asked - start)
        start += anchor
        costs = costs[anchor:]
    return Fitted(list(history[start:]), costs, start)


def _anchor(history: Sequence[Piece], costs: Sequence[int], *, spare: int, last: int) -> int:
    """Return where to begin, no later than ``last``, giving up at most ``spare`` tokens."""
    best, best_power, given_up = 0, -1, 0
    for number, (piece, cost) in enumerate(zip(history, costs, strict=True)):
        if given_up > spare or number > last:
            break
        power = piece.ordinal & -piece.ordinal
        if power > best_power:
            best, best_power = number, power
        given_up += cost
    return best


def _clipped(history: Sequence[Piece], ration: Ration, *, dropped: int) -> Fitted:
    """Return all of ``history``, the long messages clipped; the oldest go if nothing else helps."""
    least = ration.overhead + ration.count(_GAP)
    most = max(0, ration.left // least)
    if most < len(history):
        dropped += len(history) - most
        history = history[len(history) - most :]
    pieces, left = list(history), ration.left
    costs = [ration.cost(piece) for piece in pieces]
    # The shorter ones first: what they leave is shared out among the longer ones.
    for done, n in enumerate(sorted(range(len(pieces)), key=costs.__getitem__)):
        share = left // (len(pieces) - done)
        if costs[n] > share:
            text = clip(pieces[n].content, share - ration.overhead, ration.count)
            pieces[n] = replace(pieces[n], content=text)
            ration.clipped.append(pieces[n].source)
            costs[n] = ration.cost(pieces[n])
        left -= costs[n]
    return Fitted(pieces, costs, dropped)


def clip(text: str, tokens: int, count: Count) -> str:
    """Return ``text`` cut in the middle to at most ``tokens`` tokens, the gap marked.

    Where not even the mark of the gap fits, it is left standing alone.
    """
    whole = count(text)
    if whole <= tokens:
        return text
    kept = int(len(text) / 2 * max(0, tokens) / whole)
    while kept > 0 and count(_ends(text, kept)) > tokens:
        kept = int(kept * _SHRINKING)
    return _ends(text, kept)


_GAP = "[…]"


def _ends(text: str, characters: int) -> str:
    return f"{text[:characters]}\n{_GAP}\n{text[len(text) - characters :]}" if characters else _GAP
