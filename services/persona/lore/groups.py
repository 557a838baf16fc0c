"""Inclusion groups: of entries that exclude each other, which ones stay."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from services.persona.lore.javascript import property_order
from services.persona.lore.prepared import PreparedEntry

_COMMA = re.compile(r",\s*")

Score = Callable[[Sequence[int]], Mapping[int, int]]


def losers(
    entries: Mapping[int, PreparedEntry],
    *,
    sticky: Collection[int],
    won: Collection[str],
    score: Score,
    scoring: bool,
    rng: random.Random,
) -> set[int]:
    """Return the ranks that their groups keep out of this pass.

    ``entries`` are in the order in which they compete, ``won`` the group fields, whole, of what
    was activated before, ``scoring`` whether groups go by score unless an entry says otherwise.
    An entry that lost in one group still takes part in its others.
    """
    out: set[int] = set()
    grouped = _grouped(entries)
    if not grouped:
        return out
    contested = {
        name: members
        for name, members in grouped.items()
        if not _settle_sticky(members, sticky, out)
    }
    for members in contested.values():
        _settle_scores(members, entries, score=score, scoring=scoring, out=out)
    for name, members in contested.items():
        if name in won:
            out.update(members)
        elif len(members) > 1:
            winner = _winner(members, entries, rng)
            out.update(rank for rank in members if rank != winner)
    return out


def _grouped(entries: Mapping[int, PreparedEntry]) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = {}
    for rank, entry in entries.items():
        if entry.entry.group:
            for name in dict.fromkeys(filter(None, _COMMA.split(entry.entry.group))):
                grouped.setdefault(name, []).append(rank)
    return {name: grouped[name] for name in property_order(grouped)}


def _settle_sticky(members: list[int], sticky: Collection[int], out: set[int]) -> bool:
    """Keep only sticky members where there are any; say whether there were."""
    if not any(rank in sticky for rank in members):
        return False
    out.update(rank for rank in members if rank not in sticky)
    return True


def _settle_scores(
    members: list[int],
    entries: Mapping[int, PreparedEntry],
    *,
    score: Score,
    scoring: bool,
    out: set[int],
) -> None:
    """Drop members that go by score and have less than the best."""
    scored = set()
    for rank in members:
        own = entries[rank].entry.use_group_scoring
        if scoring if own is None else own:
            scored.add(rank)
    if not scored:
        return
    scores = score(members)
    best = max(scores[rank] for rank in members)
    dropped = {rank for rank in scored if scores[rank] < best}
    out |= dropped
    members[:] = [rank for rank in members if rank not in dropped]


def _winner(
    members: Sequence[int], entries: Mapping[int, PreparedEntry], rng: random.Random
) -> int:
    first = [rank for rank in members if entries[rank].entry.group_override]
    if first:
        return max(first, key=lambda rank: entries[rank].entry.order)
    weights = [entries[rank].entry.group_weight for rank in members]
    roll = rng.random() * sum(weights)
    so_far = 0.0
    for rank, weight in zip(members, weights, strict=True):
        so_far += weight
        if roll <= so_far:
            return rank
    return members[-1]
