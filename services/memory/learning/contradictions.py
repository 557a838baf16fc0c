"""What a new statement does to what is known: which facts end, begin earlier, or hold again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.memory.learning import slots
from services.memory.learning.fact import Fact, Outcome
from services.memory.learning.timeline import Interval, Settled, Statement, settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The fact that stands for a statement, and the stored facts that change.

    ``changed`` lists endings first, so that written in order never two facts say the same at once.
    """

    fact: Fact
    outcome: Outcome
    changed: tuple[Fact, ...] = ()


def resolve(
    fact: Fact, stored: Sequence[Fact], *, ends: bool = False, replaces: bool = False
) -> Resolution:
    """Return what becomes of a new ``fact`` among those ``stored`` about the same.

    ``ends``: it says that its value, or with none everything in its slot, holds no longer.
    ``replaces``: it ends all other values of its slot, also where a slot has many.
    """
    track = [each for each in stored if each.track == fact.track]
    statement = Statement(
        id=fact.id, said_at=fact.valid_from, value=_meant(fact, track, ends=ends), ends=ends
    )
    settled = settle([*_statements(track), statement])
    if fact.id in settled.repeats:
        known = next(each for each in track if each.id == settled.repeats[fact.id])
        return Resolution(fact=known, outcome=Outcome.KNOWN)
    changed = _changed(track, settled)
    if replaces or (ends and not fact.value):
        changed += _ended_by(fact, [each for each in stored if each not in track], ends=ends)
    for old in track:
        if settled.repeats.get(old.id) == fact.id:
            earlier = replace(
                old,
                valid_from=_after_ties(fact, track),
                quote=fact.quote,
                message=fact.message,
                conversation=fact.conversation,
            )
            interval = settled.intervals[fact.id]
            return Resolution(
                fact=_with(earlier, interval), outcome=Outcome.EARLIER, changed=_in_order(changed)
            )
    return Resolution(
        fact=_with(fact, settled.intervals[fact.id]),
        outcome=Outcome.ADDED,
        changed=_in_order(changed),
    )


def reopened(stored: Sequence[Fact]) -> tuple[Fact, ...]:
    """Return the facts of one track that change once others of it are gone."""
    settled = settle(_statements(stored))
    for repeat, first in settled.repeats.items():
        ended = next(each for each in stored if each.id == repeat)
        settled.intervals[repeat] = Interval(valid_to=ended.valid_from, superseded_by=first)
    return _in_order(_changed(stored, settled))


def _changed(stored: Iterable[Fact], settled: Settled) -> list[Fact]:
    return [
        _with(each, found)
        for each in stored
        if (found := settled.intervals.get(each.id)) is not None
        and (found.valid_to, found.superseded_by) != (each.valid_to, each.superseded_by)
    ]


def _after_ties(fact: Fact, track: Iterable[Fact]) -> datetime:
    """Return when ``fact`` was said, after whatever else was said at that very moment.

    The fact that takes its place has an older id, by which ties are settled.
    """
    moment = fact.valid_from
    said = {each.valid_from for each in track}
    while moment in said:
        moment += timedelta(microseconds=1)
    return moment


def _ended_by(fact: Fact, others: Iterable[Fact], *, ends: bool) -> list[Fact]:
    interval = Interval(valid_to=fact.valid_from, superseded_by=fact.id)
    return [
        _with(each, interval)
        for each in others
        if each.slot == fact.slot
        and each.standing
        and each.valid_from <= fact.valid_from
        and (ends or each.claim != fact.claim)
    ]


def _statements(track: Sequence[Fact]) -> list[Statement]:
    """Return what is stored as statements, with the endings that came from other tracks."""
    own = {each.id for each in track}
    said = [
        Statement(id=each.id, said_at=each.valid_from, value=each.claim, ends=each.ending)
        for each in track
    ]
    ended = [
        Statement(id=each.superseded_by or "", said_at=each.valid_to, value=each.claim, ends=True)
        for each in track
        if each.valid_to is not None and each.superseded_by not in own
    ]
    return said + ended


def _meant(fact: Fact, track: Sequence[Fact], *, ends: bool) -> str:
    """Return the claim of ``fact``; an ending such as "Berlin" may mean "Berlin, Germany"."""
    if not ends or not fact.value:
        return fact.claim
    one = f" {slots.plain(fact.value)} "
    for each in track:
        other = f" {slots.plain(each.value)} "
        if not each.ending and (one in other or other in one):
            return each.claim
    return fact.claim


def _with(fact: Fact, interval: Interval) -> Fact:
    return replace(fact, valid_to=interval.valid_to, superseded_by=interval.superseded_by)


def _in_order(changed: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(sorted(changed, key=lambda each: each.standing))
