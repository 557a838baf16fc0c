"""Times of day: "5pm", "half past six", "halb acht", "17:30 Uhr"."""

from __future__ import annotations

from services.reminders.elements import Clock, Doubt
from services.reminders.tokens import Tokens
from services.reminders.words import GERMAN_DAYS, NUMBERS, ORDINALS, PARTS, one_of

AT = frozenset({"at", "um", "@", "gegen", "around", "about", "ca"})
_AROUND = frozenset({"around", "about", "ca", "gegen", "exactly", "punkt", "genau"})
_OCLOCK = frozenset({"o'clock", "oclock", "uhr"})
_NAMED = {
    "noon": Clock(hour=12),
    "midday": Clock(hour=12),
    "midnight": Clock(hour=24),
    "mitternacht": Clock(hour=24),
}
_PAST = {"past": 1, "to": -1, "till": -1, "before": -1, "after": 1, "nach": 1, "vor": -1}
_GERMAN_PAST = frozenset({"nach", "vor"})
_NO_TIME = Doubt("There is no such time of day: at what time should I remind you?")
_QUARTER_EIGHT = Doubt("Is that a quarter past or a quarter to?")
_WHICH_MINUTE = Doubt("Is the number behind the hour its minutes?")
_HALF_SEVEN = Doubt("Is that half past, or half an hour before?")
_COUNTED = one_of(
    "people men women children kids percent prozent euro euros dollar dollars pound pounds grad "
    "degrees km kg leute personen mal times % € $ / per th st nd rd"
)
_HOURS, _TWELVE, _MINUTES = 24, 12, 60

Read = tuple[Clock | Doubt, int]


def read_clock(tokens: Tokens, at: int) -> tuple[Clock | Doubt, int, bool] | None:
    """Return the time of day that begins at ``at``, what follows it, and whether "at" led it."""
    start = tokens.skip_any(at, {"at", "um", "@", "gegen", "around", "ca", "zu"})
    if start > at:
        start = tokens.skip_any(tokens.skip_any(start, _AROUND), {"."})
    led = start > at
    read = _worded(tokens, start, led=led) or _hour(tokens, start, led=led)
    if read is None:
        return None
    return read[0], tokens.skip_any(read[1], {"sharp", "pünktlich"}), led


def meridiem(tokens: Tokens, at: int) -> tuple[str, int] | None:
    """Return "am" or "pm" and the position behind it."""
    letters, end = tokens.word(at), at + 1
    if letters in {"a", "p"} and tokens.word(at + 1) == "." and tokens.word(at + 2) == "m":
        letters, end = f"{letters}m", at + 3
        end = tokens.skip(end, ".") if tokens.glued(end) else end
    if letters not in {"am", "pm"}:
        return None
    if letters == "am" and not tokens.glued(at) and _german_am(tokens, end):
        return None
    return letters, end


def _german_am(tokens: Tokens, at: int) -> bool:
    """Tell whether "am" is the German preposition, judged by what follows it."""
    word = tokens.word(at)
    german = word in GERMAN_DAYS or word in ORDINALS or word in PARTS or word in {"morgen", "ende"}
    return (
        german
        or (tokens.digits(at) > 0 and tokens.word(at + 1) == ".")
        or (any(word.startswith(day) for day in GERMAN_DAYS))
    )


def _worded(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    """Read noon, midnight, and times that count from an hour."""
    named = _NAMED.get(tokens.word(at))
    if named is not None:
        return named, at + 1
    start = tokens.skip_any(at, {"a"}) if tokens.word(at + 1) == "quarter" else at
    word = tokens.word(start)
    if word == "half":
        return _half_past(tokens, start + 1, led=led)
    if word == "halb":
        return _before_hour(tokens, start + 1, 30)
    if word == "dreiviertel":
        return _before_hour(tokens, start + 1, 15)
    if word in {"quarter", "viertel"}:
        return _quarter(tokens, start + 1)
    return _minutes_past(tokens, start, led=led)


def _half_past(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    if tokens.word(at) == "past":
        return _from_hour(tokens, at + 1, 30)
    read = _spoken_hour(tokens, at) if led else None
    return None if read is None else (_HALF_SEVEN, read[1])


def _quarter(tokens: Tokens, at: int) -> Read | None:
    sign = _PAST.get(tokens.word(at))
    if sign is not None:
        return _from_hour(tokens, at + 1, sign * 15)
    read = _spoken_hour(tokens, at)
    return None if read is None else (_QUARTER_EIGHT, read[1])


def _minutes_past(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    """Read "ten past six", "zehn vor acht", "fünf nach halb acht"."""
    read = tokens.spoken(at)
    if read is None or not 0 < read[0] < _MINUTES:
        return None
    counted = tokens.skip_any(read[1], {"minutes", "minuten", "min"})
    word = tokens.word(counted)
    sign = _PAST.get(word)
    if sign is None or word in {"before", "after"}:
        return None
    if word in _GERMAN_PAST and counted > read[1]:
        return None
    if not led and word in {"to", "till"}:
        return None
    if word in _GERMAN_PAST and tokens.word(counted + 1) == "halb":
        return _before_hour(tokens, counted + 2, 30 - sign * read[0])
    return _from_hour(tokens, counted + 1, sign * read[0])


def _before_hour(tokens: Tokens, at: int, minutes: int) -> Read | None:
    return _from_hour(tokens, at, -minutes)


def _from_hour(tokens: Tokens, at: int, minutes: int) -> Read | None:
    """Return the time so many minutes after (or before) the hour at ``at``."""
    read = _spoken_hour(tokens, at)
    if read is None:
        return None
    clock, end = read
    if isinstance(clock, Doubt):
        return clock, end
    total = (clock.hour * 60 + clock.minute + minutes) % (_HOURS * 60)
    if not clock.sure and not 60 <= total < 13 * 60:
        total = (total + 12 * 60) % (24 * 60)
    return Clock(hour=total // 60, minute=total % 60, sure=clock.sure), end


def _spoken_hour(tokens: Tokens, at: int) -> Read | None:
    """Read a full hour in digits or words, with what says which half of the day it is in."""
    named = _NAMED.get(tokens.word(at))
    if named is not None:
        return named, at + 1
    if tokens.word(at) == "ein" and tokens.word(at + 1) == "uhr":
        return Clock(hour=1, sure=False), at + 2
    read = tokens.spoken(at)
    if read is None or read[0] > _HOURS or (tokens.word(read[1]) == ":" and tokens.glued(read[1])):
        return None
    hour, end = read
    end = tokens.skip_any(end, _OCLOCK)
    return _judged(tokens, end, Clock(hour=hour), padded=_padded(tokens, at))


def _padded(tokens: Tokens, at: int) -> bool:
    return tokens.digits(at) == 2 and tokens.word(at).startswith("0")


def _judged(tokens: Tokens, end: int, clock: Clock, *, padded: bool) -> Read:
    """Read "am" or "pm" behind a time, and decide whether it is clear."""
    half = meridiem(tokens, end)
    if half is not None:
        if not 1 <= clock.hour <= _TWELVE or (padded and clock.hour == 0):
            return _NO_TIME, half[1]
        hour = clock.hour % _TWELVE + (_TWELVE if half[0] == "pm" else 0)
        return Clock(hour=hour, minute=clock.minute, second=clock.second), half[1]
    sure = padded or not 1 <= clock.hour <= _TWELVE
    return Clock(hour=clock.hour, minute=clock.minute, second=clock.second, sure=sure), end


def _hour(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    """Read "17:00", "5pm", "5.30 Uhr", "seven o'clock", and after "at" a bare hour."""
    digits = tokens.digits(at)
    if digits:
        return _in_digits(tokens, at, led=led) if digits <= 2 else None
    hour = NUMBERS.get(tokens.word(at), 1 if tokens.word(at) == "ein" else _HOURS)
    if hour >= _HOURS or (tokens.word(at) == "ein" and tokens.word(at + 1) != "uhr"):
        return None
    return _marked(tokens, at, hour, led=led)


def _in_digits(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    hour = int(tokens.word(at))
    separator, glued = tokens.word(at + 1), tokens.glued(at + 1) and tokens.glued(at + 2)
    if separator not in {":", "."} or not glued or tokens.digits(at + 2) != 2:
        return _marked(tokens, at, hour, led=led)
    minute, second, end = int(tokens.word(at + 2)), 0, at + 3
    if separator == ":" and tokens.word(end) == ":" and tokens.digits(end + 1) == 2:
        second, end = int(tokens.word(end + 1)), end + 2
    said = tokens.word(end) in _OCLOCK
    end = end + 1 if said else end
    if separator == "." and not (led or said or meridiem(tokens, end)):
        return None
    if max(minute, second) >= _MINUTES or hour > _HOURS or (hour == _HOURS and minute):
        return _NO_TIME, end
    return _judged(
        tokens, end, Clock(hour=hour, minute=minute, second=second), padded=_padded(tokens, at)
    )


def _marked(tokens: Tokens, at: int, hour: int, *, led: bool) -> Read | None:
    """Read a full hour, which is a time only by what stands before or behind it."""
    end, minute = at + 1, 0
    if tokens.word(end) in _OCLOCK:
        end, minute = _german_minutes(tokens, end)
        if minute < 0:
            return _WHICH_MINUTE, end
    elif meridiem(tokens, end) is None and not led:
        return None
    if hour > _HOURS or minute >= _MINUTES or (hour == _HOURS and minute):
        is_hour = tokens.word(at + 1) in _OCLOCK or meridiem(tokens, at + 1) is not None
        return (_NO_TIME, end) if is_hour or hour < 30 else None
    read = _judged(tokens, end, Clock(hour=hour, minute=minute), padded=_padded(tokens, at))
    if read[1] == at + 1 and _counts_things(tokens, at + 1):
        return Doubt("Is that number a time? At what time should I remind you?"), at + 1
    return read


def _german_minutes(tokens: Tokens, at: int) -> tuple[int, int]:
    """Step over "Uhr" and the minutes that may follow it, -1 if they may count something else."""
    if tokens.word(at) == "uhr":
        read = tokens.spoken(at + 1)
        if read is not None and read[0] < _MINUTES:
            return (read[1], read[0]) if _is_end(tokens, read[1]) else (at + 1, -1)
    return at + 1, 0


def _is_end(tokens: Tokens, at: int) -> bool:
    """Tell whether what was read ends the clause, so that it counts nothing."""
    return not tokens.is_word(at) and not (tokens.glued(at) and tokens.digits(at + 1))


def _counts_things(tokens: Tokens, at: int) -> bool:
    word = tokens.word(at)
    plural = word.endswith("s") and not word.endswith("ss") and len(word) > 3
    if word in {"this", "jedes", "dieses"}:
        return False
    days = word.removesuffix("s") in GERMAN_DAYS or word.endswith("days") or word in PARTS
    ends_day = word in {"abends", "morgens", "nachts", "mittags", "vormittags", "nachmittags"}
    return word in _COUNTED or (plural and not days and not ends_day)
