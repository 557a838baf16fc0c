"""Words beside the times found that speak of time as well, so that something was not understood."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from services.reminders.clock_times import AT
from services.reminders.dates import ordinal
from services.reminders.durations import unit_at
from services.reminders.elements import Clock, Date, Doubt, Element, Every, Found, Later, Weekday
from services.reminders.suspicions import suspicious
from services.reminders.tokens import Tokens
from services.reminders.words import (
    ADVERB_PARTS,
    MONTHS,
    ONE,
    PARTS,
    SHORT_DAYS,
    VERB_MONTHS,
    WEEKDAYS,
    one_of,
)

_NOT_UNDERSTOOD = Doubt("I do not understand all of that time: when exactly should I remind you?")
_EVERY = one_of("every each jede jeden jedes jeder jedem alle")
_PERIODS = one_of(
    "wochentag semester season term quarter vierteljahr quartal decade century jahrzehnt business "
    "working arbeitstagen arbeitstag werktagen workday workdays weekday weekdays weekend "
    "wochenende birthday geburtstag payday spring summer autumn winter"
)
_FEASTS = one_of(
    "christmas easter halloween thanksgiving weihnachten silvester ostern pfingsten neujahr "
    "heiligabend eve year's"
)
_ZONES = one_of(
    "est edt cst cdt mst mdt pst pdt et pt ct mt utc gmt z cet cest bst ist jst aest aedt mez mesz "
    "eastern pacific central zulu"
)
_BESIDE = one_of("week weeks woche weekend wochenende month monat ish fortnight")
_TODAY = frozenset({"today", "tomorrow", "tonight", "heute", "übermorgen"})
_SOMETIME = one_of("someday sometime irgendwann wochentags feiertags")
_OFTEN = one_of("once twice thrice times mal einmal zweimal dreimal")
_FOLLOWING = one_of("next following nächste nächsten nächster folgenden folgende")
_HOURS_OF_DAY = one_of(
    "noon midday midnight mitternacht lunchtime lunch dinnertime bedtime dawn dusk sunrise sunset "
    "sonnenaufgang sonnenuntergang mittags early late früh spät feierabend"
)
_THINGS_OF_TIME = one_of(
    "day morning afternoon evening night tag abend morgen hour weekday workday werktag"
)
_EARLY = one_of("early late mid end start beginning anfang mitte ende of")

Check = Callable[[Tokens, int, Collection[int]], bool]


def leftover_doubt(tokens: Tokens, found: Sequence[Found]) -> Doubt | None:
    """Return a doubt if something about time is left; ``found`` are the times understood."""
    taken = {at for one in found for at in range(one.start, one.end)}
    rest = [at for at in range(len(tokens)) if at not in taken]
    if any(check(tokens, at, taken) for at in rest for check in _CHECKS):
        return _NOT_UNDERSTOOD
    if any(_beside(tokens, one, taken) for one in found):
        return _NOT_UNDERSTOOD
    parts = [part for one in found for part in one.elements]
    dated = any(isinstance(part, Date | Every) for part in parts)
    timed = any(isinstance(part, Clock | Later) or _is_stepped(part) for part in parts)
    if dated and not timed and any(_untold_time(tokens, at) for at in rest):
        return _NOT_UNDERSTOOD
    repeats = any(isinstance(part, Every) for part in parts)
    if repeats and any(_limited(tokens, at) for at in rest):
        return _NOT_UNDERSTOOD
    often = any(
        tokens.word(at) in _OFTEN and (repeats or tokens.word(at + 1) in {"a", "per", "am", "pro"})
        for at in rest
    )
    return _NOT_UNDERSTOOD if often else None


def _beside(tokens: Tokens, one: Found, taken: Collection[int]) -> bool:
    """Judge the words right before and right behind a time."""
    before, behind = one.start - 1, one.end
    for at in (before, behind):
        if at not in taken and tokens.word(at) in _BESIDE | _FEASTS:
            return True
    last = one.elements[-1]
    if behind in taken:
        return False
    if tokens.word(behind) in {"or", "oder"}:
        return True
    counted = isinstance(last, Later | Weekday) or (isinstance(last, Every) and last.days)
    if counted and tokens.digits(behind) and tokens.word(behind - 1) != ",":
        return True
    zone_named = tokens.word(behind) in _ZONES or "time" in {
        tokens.word(behind + 1), tokens.word(behind + 2)
    }  # fmt: skip
    return isinstance(last, Clock) and zone_named and tokens.is_word(behind)


def _is_stepped(part: Element) -> bool:
    return isinstance(part, Every) and part.freq in {"HOURLY", "MINUTELY"}


def _untold_time(tokens: Tokens, at: int) -> bool:
    """Tell whether a time of day stands there that was not understood."""
    word, behind = tokens.word(at), tokens.word(at + 1)
    if word in PARTS or word in ADVERB_PARTS or word in _HOURS_OF_DAY:
        return True
    if word in AT:
        return tokens.spoken(at + 1) is not None
    if not tokens.digits(at):
        return False
    colon = behind == ":" and tokens.glued(at + 1) and tokens.digits(at + 2) > 0
    return colon or behind in {"am", "pm", "a", "p", "ish", "h", "uhr"}


def _limited(tokens: Tokens, at: int) -> bool:
    """Tell whether "for 3 weeks" stands there."""
    return tokens.word(at) in {"for", "für", "fuer"} and _counts_time(tokens, at + 1)


def _counts_time(tokens: Tokens, at: int) -> bool:
    """Tell whether a number and a unit of time stand there, or a word between them at most."""
    counted = tokens.spoken(at)
    start = counted[1] if counted else at + 1 if tokens.word(at) in ONE else 0
    near = range(start, start + 2) if start else ()
    return any(tokens.word(n) in _PERIODS or unit_at(tokens, n) for n in near)


def _weekday(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    word = tokens.word(at)
    in_range = tokens.word(at + 1) == "-" and tokens.word(at + 2) in SHORT_DAYS
    return word in WEEKDAYS or word in _TODAY or (word in SHORT_DAYS and in_range)


def _sometime(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    some = tokens.word(at) in {"one", "some", "eines"} and tokens.word(at + 1) in {"day", "tages"}
    return tokens.word(at) in _SOMETIME or some


def _period(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "every december", "in 5 business days", "next morning"."""
    word, behind = tokens.word(at), tokens.word(at + 1)
    if word in _EVERY:
        return behind in _PERIODS or behind in _FEASTS or behind in MONTHS
    if word in _FOLLOWING:
        return behind in _THINGS_OF_TIME or behind in _PERIODS or unit_at(tokens, at + 1)
    return word in {"in", "within", "after"} and _counts_time(tokens, at + 1)


def _month(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    word = tokens.word(at)
    if word not in MONTHS or word in VERB_MONTHS or len(word) <= 3:
        return False
    beside = at - 1 in taken or at + 1 in taken
    counted = tokens.digits(at - 1) > 0 or tokens.digits(at + 1) > 0
    return beside or counted or tokens.word(at - 1) in _EARLY


def _day_of_month(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "the 13th" and "12/25" beside a time."""
    if tokens.word(at) == "the":
        read = ordinal(tokens, at + 1)
        return (
            read is not None and tokens.digits(at + 1) > 0 and (at - 1 in taken or read[1] in taken)
        )
    slashed = tokens.word(at + 1) == "/" and tokens.glued(at + 1) and tokens.glued(at + 2)
    return (
        slashed
        and tokens.digits(at) in {1, 2}
        and tokens.digits(at + 2) in {1, 2}
        and (at - 1 in taken or at + 3 in taken)
    )


_CHECKS: tuple[Check, ...] = (
    _weekday, _sometime, _period, _month, _day_of_month, suspicious,
)  # fmt: skip
