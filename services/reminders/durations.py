"""Lengths of time: "1h30m", "half an hour", "anderthalb Stunden"."""

from __future__ import annotations

from services.reminders.elements import Doubt, Later, Shift, Span
from services.reminders.tokens import Tokens
from services.reminders.words import DASHES, ONE

_MONTH, _DAY, _SECOND = "month", "day", "second"
_UNITS: dict[str, tuple[str, int]] = {
    word: (kind, size)
    for kind, size, words in (
        (_SECOND, 1, "s sec secs second seconds sekunde sekunden sek"),
        (_SECOND, 60, "m min mins minute minutes minuten"),
        (_SECOND, 3600, "h hr hrs hour hours stunde stunden std"),
        (_DAY, 1, "d day days tag tage tagen"),
        (_DAY, 7, "w wk wks week weeks woche wochen"),
        (_DAY, 14, "fortnight fortnights"),
        (_MONTH, 1, "mo month months monat monate monaten"),
        (_MONTH, 3, "quartal quartale quartalen"),
        (_MONTH, 12, "y yr yrs year years jahr jahre jahren"),
    )
    for word in words.split()
}
_SHORT = frozenset("smhdwy")
_WHOLE = 1000
"""Amounts are counted in thousandths, so that 1.5 and 0.25 stay exact."""
_MIXED = {"anderthalb": 1500, "eineinhalb": 1500, "zweieinhalb": 2500, "dreieinhalb": 3500}
_HALVES = frozenset({"halbe", "halben", "halber", "halbes"})
_COMPOUNDS = {"viertelstunde": 15, "dreiviertelstunde": 45, "halbstunde": 30}
_VAGUE = frozenset({"few", "couple", "several", "some", "paar", "einigen", "einige", "many"})
_MOST_AMOUNTS = 6
_MOST = {_MONTH: 12_000, _DAY: 366_000, _SECOND: 32_000_000_000}
_HOW_LONG = Doubt("How long is that in whole minutes, days or months, within a hundred years?")
_ROUGHLY = frozenset({"exactly", "about", "around", "genau", "etwa", "ungefähr"})
_SIGNS = {"before": -1, "vor": -1, "after": 1, "nach": 1}

Amount = tuple[int, str, int]
"""Thousandths, kind of unit, size of the unit."""


def unit_at(tokens: Tokens, at: int) -> bool:
    """Tell whether a unit of time stands there."""
    return tokens.word(at) in _UNITS


def read_span(tokens: Tokens, at: int) -> tuple[Span | Doubt, int] | None:
    """Return the length of time that begins at ``at`` and the position behind it."""
    vague = _vague(tokens, at)
    if vague is not None:
        return vague
    amounts: list[Amount] = []
    while len(amounts) < _MOST_AMOUNTS and (read := _amount(tokens, at, follows=bool(amounts))):
        amount, at = read
        amounts.append(amount)
        joined = tokens.skip_any(at, {"and", "und", ",", "&"})
        at = joined if _amount(tokens, joined, follows=True) is not None else at
    if not amounts:
        return None
    span = _sum(amounts)
    return (span if span is not None else _HOW_LONG), at


def read_later(tokens: Tokens, at: int) -> tuple[Later | Doubt, int] | None:
    """Return "in an hour" or "5 minutes from now"."""
    led = tokens.skip(at, "in")
    led = tokens.skip_any(led, _ROUGHLY) if led > at else led
    read = read_span(tokens, led)
    if read is None:
        return _not_positive(tokens, led) if led > at else None
    span, end = read
    if led == at:
        behind = tokens.skip(end, "from", "now")
        if behind == end:
            return None
        end = behind
    else:
        end = _without_time(tokens, end)
    if isinstance(span, Doubt):
        return span, end
    return Later(span), end


def read_shift(tokens: Tokens, at: int) -> tuple[Shift | Doubt, int] | None:
    """Return "half an hour before", which needs a time behind it."""
    read = read_span(tokens, at)
    if read is None:
        return None
    span, end = read
    sign = _SIGNS.get(tokens.word(end))
    if sign is None:
        return None
    if isinstance(span, Doubt):
        return span, end + 1
    return Shift(span=span, sign=sign), end + 1


def _without_time(tokens: Tokens, end: int) -> int:
    """Step over the end of "in two weeks' time", "in an hour from now"."""
    behind = tokens.skip(tokens.skip(end, "'"), "time")
    if tokens.word(behind - 1) == "time":
        return behind
    return tokens.skip(end, "from", "now")


def _not_positive(tokens: Tokens, at: int) -> tuple[Doubt, int] | None:
    if tokens.word(at) in DASHES and tokens.digits(at + 1) and unit_at(tokens, at + 2):
        return Doubt("That is not ahead of us: when should I remind you?"), at + 3
    if tokens.digits(at) and tokens.number(at) is None and unit_at(tokens, at + 1):
        return Doubt("That is too far away: when should I remind you?"), at + 2
    return None


def _vague(tokens: Tokens, at: int) -> tuple[Doubt, int] | None:
    start = tokens.skip_any(at, {"a", "ein"})
    if tokens.word(start) not in _VAGUE:
        return None
    unit = tokens.skip(start + 1, "of")
    if not unit_at(tokens, unit):
        return None
    return Doubt("How long is that exactly?"), unit + 1


def _amount(tokens: Tokens, at: int, *, follows: bool) -> tuple[Amount, int] | None:
    return _fraction(tokens, at) or _counted(tokens, at, follows=follows)


def _unit(tokens: Tokens, at: int, thousandths: int) -> tuple[Amount, int] | None:
    unit = _UNITS.get(tokens.word(at).removesuffix("'s"))
    if unit is None:
        return None
    return (thousandths, *unit), at + 1


def _fraction(tokens: Tokens, at: int) -> tuple[Amount, int] | None:
    """Read "half an hour", "(a) quarter of an hour", "eine halbe Stunde", "anderthalb Tage"."""
    start = tokens.skip_any(at, ONE)
    word = tokens.word(start)
    if word in _COMPOUNDS:
        return (_COMPOUNDS[word] * _WHOLE, _SECOND, 60), start + 1
    if word in _MIXED:
        return _unit(tokens, start + 1, _MIXED[word])
    if word == "half" or word in _HALVES:
        return _unit(tokens, tokens.skip_any(start + 1, ONE), _WHOLE // 2)
    if word == "quarter":
        unit = tokens.skip_any(tokens.skip(start + 1, "of"), ONE)
        return _unit(tokens, unit, _WHOLE // 4) if unit > start + 1 else None
    if tokens.skip(at, "three", "quarters", "of") > at:
        return _unit(tokens, tokens.skip_any(at + 3, ONE), _WHOLE * 3 // 4)
    return None


def _counted(tokens: Tokens, at: int, *, follows: bool) -> tuple[Amount, int] | None:
    """Read "an hour", "5m", "1.5 hours", "one and a half hours", "an hour and a half"."""
    if tokens.word(at) in ONE:
        thousandths, end = _WHOLE, at + 1
    else:
        read = tokens.spoken(at)
        if read is None:
            return None
        thousandths, end = read[0] * _WHOLE, read[1]
        decimals = _decimals(tokens, end)
        if decimals is not None:
            thousandths += decimals
            end += 2
    end = _plus_half(tokens, end)
    if tokens.word(end - 1) == "half":
        return _unit(tokens, end, thousandths + _WHOLE // 2)
    if tokens.word(end) in _SHORT and not tokens.digits(end - 1):
        return None
    counted = _unit(tokens, end, thousandths)
    if counted is None:
        # "1h30": the unit of the second number is the next smaller one
        minutes = tokens.number(at)
        if follows and tokens.glued(at) and tokens.word(at - 1) == "h" and minutes is not None:
            return (minutes * _WHOLE, _SECOND, 60), at + 1
        return None
    (amount, kind, size), end = counted
    behind = _plus_half(tokens, end)
    return (amount + (_WHOLE // 2 if behind > end else 0), kind, size), behind


def _decimals(tokens: Tokens, at: int) -> int | None:
    """Return the thousandths of ".5" or ",25" behind a number; ",000" may part thousands."""
    glued = tokens.glued(at) and tokens.glued(at + 1)
    if not glued or tokens.word(at) not in {".", ","} or not 0 < tokens.digits(at + 1) <= 2:
        return None
    return int(tokens.word(at + 1).ljust(3, "0"))


def _plus_half(tokens: Tokens, at: int) -> int:
    return tokens.skip(at, "and", "a", "half")


def _sum(amounts: list[Amount]) -> Span | None:
    """Add up; ``None`` for what is no whole number of seconds or of months, or beyond reason."""
    months = days = seconds = 0
    for thousandths, kind, size in amounts:
        total, rest = divmod(thousandths * size, _WHOLE)
        if total > _MOST[kind]:
            return None
        if kind == _DAY:
            days += total
            seconds += rest * 86_400 // _WHOLE
        elif rest:
            return None
        elif kind == _MONTH:
            months += total
        else:
            seconds += total
    return Span(months=months, days=days, seconds=seconds)
