"""Finds the times in a sentence and what remains of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from services.reminders.calendar_days import read_day
from services.reminders.clock_times import read_clock
from services.reminders.durations import read_later, read_shift, read_span
from services.reminders.elements import (
    Clock,
    Doubt,
    Element,
    Every,
    Found,
    Later,
    Part,
    RelativeDay,
    Shift,
    Week,
)
from services.reminders.leftovers import leftover_doubt
from services.reminders.recurrence import read_every
from services.reminders.tokens import Tokens
from services.reminders.words import DASHES, QUOTES, one_of

_MENTIONS = (
    one_of(
        "the a my our your his her their for about from of since until till by before after than "
        "to through between not except without versus vs und or oder der die das den dem des "
        "für fuer über von seit bis vor nach ab zum vom zur mein meine meinen dein unser ein eine "
        "einen kein keinen starting beginning past no every jeden"
    )
    | DASHES
)
"""Before a time, these make it part of what is spoken of, a limit or one of several."""
_RANGES = one_of("to bis until till or oder through") | DASHES
_GOES_ON = one_of(
    "to that and please remind bitte erinnere erinner daran dass und of or oder about so "
    "i'm i'll i we ich wir"
)
_NAMES = one_of("sun sat mon wed")
"""Short days that are words or names of their own."""
_LIMITS = one_of(
    "until till bis except excluding außer ausser starting beginning ab unless between zwischen "
    "from für"
)
_MENTIONED = Doubt("Is that the time of the reminder? When exactly should I remind you?")
_LIMITED = Doubt("How should it repeat, without an end, a start or exceptions?")
_WHOLE = Doubt("When should it be: in that time, or is it how long it takes?")

Reading = tuple[tuple[Element, ...], int, bool]
"""Elements, the position behind them, and whether a word such as "at" introduced them."""


def read_sentence(tokens: Tokens, *, lead_ins: frozenset[int]) -> list[Found]:
    """Return the times in the order they stand; ``lead_ins`` are positions of "remind me".

    What reads like a time and may not be meant as one comes with a ``Doubt``.
    """
    found = list(_scan(tokens, lead_ins))
    taken = {at for one in found for at in range(one.start, one.end)}
    judged = [_doubted(tokens, one, taken=taken, lead_ins=lead_ins) for one in found]
    if any(isinstance(part, Every) for one in judged for part in one.elements):
        rest = (at for at in range(len(tokens)) if at not in taken)
        if any(tokens.word(at) in _LIMITS for at in rest):
            judged.append(Found(elements=(_LIMITED,), start=0, end=0, led=True))
    doubt = leftover_doubt(tokens, judged) if judged else None
    if doubt is not None:
        judged.append(Found(elements=(doubt,), start=0, end=0, led=True))
    return judged


def _scan(tokens: Tokens, lead_ins: frozenset[int]) -> Iterator[Found]:
    at = 0
    seen = False
    while at < len(tokens):
        one = _longest(tokens, at)
        if one is None:
            at += 1
            continue
        seen = True
        yield one
        at = one.end
    if not seen:
        yield from _mere_span(tokens, lead_ins)


def _longest(tokens: Tokens, at: int, *, anchor: bool = False) -> Found | None:
    """Return the longest reading that begins at ``at``; of equal ones the first kind.

    An ``anchor`` is what something else lies before or after.
    """
    if not tokens.begins_free(at):
        return None
    shifted = () if anchor else _shifted(tokens, at)
    readings = [
        Found(elements=elements, start=at, end=end, led=led)
        for elements, end, led in (*shifted, *_readings(tokens, at))
        if tokens.stands_free(at, end)
    ]
    return max(readings, key=lambda one: one.end, default=None)


def _shifted(tokens: Tokens, at: int) -> Iterator[Reading]:
    shift = read_shift(tokens, at)
    if shift is not None:
        behind = _longest(tokens, shift[1], anchor=True)
        if behind is not None and _anchors(behind):
            yield (shift[0], *behind.elements), behind.end, True


def _readings(tokens: Tokens, at: int) -> Iterator[Reading]:
    later = read_later(tokens, at)
    if later is not None:
        yield (later[0],), later[1], True
    every = read_every(tokens, at)
    if every is not None:
        yield every
    day = read_day(tokens, at)
    if day is not None:
        yield day
    clock = read_clock(tokens, at)
    if clock is not None:
        yield (clock[0],), clock[1], clock[2]


def _anchors(one: Found) -> bool:
    return not any(isinstance(part, Shift | Later | Every | Week) for part in one.elements)


def _mere_span(tokens: Tokens, lead_ins: frozenset[int]) -> Iterator[Found]:
    """Find a length of time: the whole sentence is a time from now, anything else is asked."""
    for at in range(len(tokens)):
        read = read_span(tokens, at)
        if read is None or not tokens.stands_free(at, read[1]):
            continue
        others = [
            n
            for n in range(len(tokens))
            if not at <= n < read[1] and n not in lead_ins and tokens.is_word(n)
        ]
        whole = not others and not isinstance(read[0], Doubt) and tokens.word(at - 1) != "-"
        element = Later(read[0]) if whole and not isinstance(read[0], Doubt) else _WHOLE
        yield Found(elements=(element,), start=at, end=read[1] if whole else at, led=True)
        return


def _doubted(tokens: Tokens, one: Found, *, taken: set[int], lead_ins: frozenset[int]) -> Found:
    """Add a doubt to a time that may be spoken of rather than meant."""
    before, behind = one.start - 1, one.end
    mentioned = False
    range_ahead = tokens.word(behind) in _RANGES and tokens.digits(behind + 1) > 0
    if (range_ahead and any(isinstance(part, Clock | Every) for part in one.elements)) or (
        before in lead_ins and tokens.word(before) in {"about", "of", "über"}
    ):
        mentioned = True
    elif before >= 0 and before not in taken and before not in lead_ins:
        word = tokens.word(before)
        ends = one.end not in taken
        if word in QUOTES and tokens.glued(one.start) and ends:
            mentioned = before > 0 or tokens.is_word(one.end)
        elif word in _MENTIONS:
            mentioned = word not in DASHES or tokens.digits(before - 1) > 0
        elif not one.led and tokens.word(one.start) in _NAMES and tokens.is_word(before):
            mentioned = True
        elif not one.led and tokens.is_word(before):
            mentioned = _goes_on(tokens, one, taken=taken, lead_ins=lead_ins)
    elif not one.led and isinstance(one.elements[0], Every):
        mentioned = before < 0 or before in lead_ins
        mentioned = mentioned and _goes_on(tokens, one, taken=taken, lead_ins=lead_ins)
    return replace(one, elements=(*one.elements, _MENTIONED)) if mentioned else one


def _goes_on(tokens: Tokens, one: Found, *, taken: set[int], lead_ins: frozenset[int]) -> bool:
    """Tell whether a word follows that may belong to the time: "5pm train", "daily news"."""
    if isinstance(one.elements[0], RelativeDay | Part | Doubt):
        return False
    at = one.end
    return (
        tokens.is_word(at)
        and at not in taken
        and at not in lead_ins
        and tokens.word(at) not in _GOES_ON
    )
