"""Days as people name them: "tomorrow evening", "next friday", "25 December", "Ende des Monats"."""

from __future__ import annotations

from services.reminders.dates import ordinal, read_date
from services.reminders.elements import Date, Doubt, Element, Part, RelativeDay, Week, Weekday
from services.reminders.tokens import Tokens
from services.reminders.words import (
    ADVERB_PARTS,
    DAY_AND_PART,
    MONTHS,
    MORNING,
    NIGHT,
    PARTS,
    SHORT_DAYS,
    WEEKDAYS,
    one_of,
)

_RELATIVE = {
    "today": 0, "heute": 0, "tomorrow": 1, "tmrw": 1, "tmr": 1, "morgen": 1,
    "übermorgen": 2, "uebermorgen": 2, "overmorrow": 2,
}  # fmt: skip
_ON = frozenset({"on", "am"})
_THIS = frozenset({"this", "diesen", "diesem", "diese", "dieser", "dieses"})
_COMING = frozenset({"coming", "kommenden", "kommende", "kommender"})
_NEXT = frozenset(
    {"next", "nächsten", "nächste", "nächster", "nächstem", "naechsten", "naechste", "nächstes"}
)
_PAST = frozenset({"last", "letzten", "letzte", "letzter", "vorigen", "vergangenen"})
_AFTER_NEXT = frozenset({"übernächsten", "übernächste", "uebernaechsten"})
_FEASTS = one_of(
    "christmas easter halloween thanksgiving weihnachten silvester ostern pfingsten nikolaus "
    "neujahr heiligabend hanukkah ramadan diwali"
)
_SEASONS = one_of("spring summer autumn fall winter frühling frühjahr sommer herbst quartal")
_WHICH_DAY = Doubt("On which day, and at what time?")
_GONE = Doubt("That is over already: when should I remind you?")
_OPEN = frozenset({"weekend", "month", "year", "wochenende", "monat", "jahr", "quarter"})

Read = tuple[tuple[Element, ...], int]


def read_day(tokens: Tokens, at: int) -> tuple[tuple[Element, ...], int, bool] | None:
    """Return the day that begins at ``at``, what follows it, and whether "on" led it."""
    start = tokens.skip_any(at, _ON)
    led = start > at
    read = (
        read_date(tokens, start, led=led)
        or _weekday(tokens, start, led=led)
        or _end_of(tokens, at)
        or _open(tokens, at)
        or (_part_of_day(tokens, at) if led else None)
        or (_relative(tokens, at) if not led else None)
        or _part_of_day(tokens, at)
    )
    if read is None:
        return None
    named = isinstance(read[0][0], RelativeDay | Part | Doubt)
    return (*read, led or named or tokens.word(at) in _THIS | _NEXT | _COMING)


def weekday_at(tokens: Tokens, at: int) -> int | None:
    """Return the weekday with its full or its short name there, Monday is 0."""
    word = tokens.word(at)
    return WEEKDAYS.get(word, SHORT_DAYS.get(word))


def part_after(tokens: Tokens, at: int) -> tuple[tuple[Element, ...], int]:
    """Return the part of the day that follows a day, if one does."""
    start = at + 2 if tokens.skip(at, "in", "the") > at else at
    start = tokens.skip_any(start, {"am", "in"}) if start == at else start
    name = PARTS.get(tokens.word(start), MORNING if tokens.word(start) == "morgen" else None)
    if name is None or (
        tokens.word(at) == "morgen"
        and start == at
        and tokens.is_word(at + 1)
        and (tokens.word(at + 1) in PARTS)
    ):
        return (), at
    return (Part(name),), start + 1


def _relative(tokens: Tokens, at: int) -> Read | None:
    word = tokens.word(at)
    if word == "tonight":
        return (RelativeDay(0), Part(NIGHT)), at + 1
    if word == "later" and tokens.word(at + 1) in {"today", "tonight"}:
        return _relative(tokens, at + 1)
    start = tokens.skip(at, "the")
    if tokens.skip(start, "day", "after", "tomorrow") > start:
        part, end = part_after(tokens, start + 3)
        return (RelativeDay(2), *part), end
    if word in {"yesterday", "gestern", "vorgestern"}:
        return (_GONE,), at + 1
    if word in _RELATIVE:
        if word == "morgen" and tokens.word(at - 1) in {"guten", "der", "den", "dem"}:
            return None
        part, end = part_after(tokens, at + 1)
        return (RelativeDay(_RELATIVE[word]), *part), end
    if word in _THIS and tokens.word(at + 1) in {"morning", "afternoon", "evening"}:
        return (RelativeDay(0), Part(PARTS[tokens.word(at + 1)])), at + 2
    return None


def _part_of_day(tokens: Tokens, at: int) -> Read | None:
    """Read "in the morning", "at night", "am Abend", "abends"; a mere "morning" is none."""
    word = tokens.word(at)
    if word in ADVERB_PARTS:
        return (Part(ADVERB_PARTS[word]),), at + 1
    for led in (("in", "the"), ("at",), ("am",), ("in", "der")):
        start = tokens.skip(at, *led)
        name = PARTS.get(tokens.word(start), MORNING if tokens.word(start) == "morgen" else "")
        if start > at and name and (led != ("at",) or name == NIGHT):
            return (Part(name),), start + 1
    return None


def _weekday(tokens: Tokens, at: int, *, led: bool) -> Read | None:
    week, start = _week(tokens, at)
    which = "next" if tokens.word(start) in _NEXT else ""
    if tokens.word(start) in _THIS or tokens.word(start) in _COMING:
        which = "this"
    named = start + 1 if which else start
    named = tokens.skip_any(named, _COMING) if which else named
    word = tokens.word(named)
    last = tokens.skip_any(start, {"the"})
    if tokens.word(last) in _PAST and weekday_at(tokens, last + 1) is not None:
        of_month = tokens.word(last + 2) in {"of", "in", "im", "des"}
        return (_WHICH_DAY if of_month else _GONE,), last + 2
    if tokens.word(start) in _AFTER_NEXT and weekday_at(tokens, start + 1) is not None:
        return (_WHICH_DAY,), start + 2
    if word in DAY_AND_PART:
        day, part = DAY_AND_PART[word]
        return (Weekday(day=day, which=which), Part(part), *week), named + 1
    number = weekday_at(tokens, named)
    if number is None or (word in SHORT_DAYS and not _short_is_day(tokens, named, led or which)):
        return _whole_week(tokens, at, week, start)
    end = tokens.skip(named + 1, ".") if word in SHORT_DAYS else named + 1
    parts, end = part_after(tokens, end)
    if not week:
        week, end = _week_behind(tokens, end)
    month_day, end = _month_day_behind(tokens, end)
    return (Weekday(day=number, which=which), *parts, *week, *month_day), end


def _month_day_behind(tokens: Tokens, at: int) -> tuple[tuple[Date, ...], int]:
    """Read "the 23rd" behind a weekday, unless a month follows."""
    read = ordinal(tokens, at + 1) if tokens.word(at) == "the" else None
    if read is None or not 1 <= read[0] <= 31 or tokens.word(tokens.skip(read[1], "of")) in MONTHS:
        return (), at
    return (Date(day=read[0]),), read[1]


def _short_is_day(tokens: Tokens, at: int, led: object) -> bool:
    """Tell whether "sun" or "sat" means the day: a word before it or a time behind it says so."""
    if led or tokens.word(at) in {"tue", "tues", "thu", "thur", "thurs", "fri"}:
        return True
    end = tokens.skip(at + 1, ".")
    return tokens.digits(end) > 0 or tokens.word(end) in {"at", "@"}


def _week(tokens: Tokens, at: int) -> tuple[tuple[Week, ...], int]:
    """Read "next week" in front of a weekday."""
    start = tokens.skip(at, "in")
    if tokens.word(start + 1) not in {"week", "woche"}:
        return (), at
    weeks = 1 if tokens.word(start) in _NEXT else 0 if tokens.word(start) in _THIS else None
    if weeks is None:
        return (), at
    return (Week(weeks),), tokens.skip_any(start + 2, {"on", "am"})


def _week_behind(tokens: Tokens, at: int) -> tuple[tuple[Week, ...], int]:
    start = tokens.skip_any(at, {"of", "in"})
    start = tokens.skip_any(start, {"der"})
    week, end = _week(tokens, start)
    return (week, start + 2) if week and end >= start + 2 else ((), at)


def _whole_week(tokens: Tokens, at: int, week: tuple[Week, ...], end: int) -> Read | None:
    """Read "next week" alone, which leaves the day open unless a day stands elsewhere."""
    if not week:
        return None
    ends_with_on = tokens.word(end - 1) in {"on", "am"} and end - at > 2
    return week, end - 1 if ends_with_on else end


def _end_of(tokens: Tokens, at: int) -> Read | None:
    """Read "(at the) end of the month", "Ende des Monats", "the last day of next month"."""
    start = at
    for led in (("at", "the"), ("on", "the"), ("by", "the"), ("the",), ("at",), ("zum",), ("am",)):
        start = tokens.skip(at, *led)
        if start > at:
            break
    if tokens.word(start) == "monatsende":
        return (Date(day=-1),), start + 1
    if tokens.skip(start, "last", "day") > start or tokens.skip(start, "letzten", "tag") > start:
        end = start + 2
    else:
        end = tokens.skip_any(start, {"end", "ende"})
    if end == start:
        return None
    of = tokens.skip_any(end, {"of", "des", "der"})
    which = tokens.skip_any(of, {"the", "this", "dieses", "diesen"} | _NEXT)
    ahead = 1 if which > of and tokens.word(of) in _NEXT else 0
    word = tokens.word(which)
    if word in {"month", "monats", "monat"}:
        return (Date(day=-1, months_ahead=ahead),), which + 1
    if word in {"year", "jahres"} and not ahead:
        return (Date(day=31, month=12),), which + 1
    if word in {"day", "week", "woche", "tages", "year", "jahres", *MONTHS}:
        return (_WHICH_DAY,), which + 1
    return None


def _open(tokens: Tokens, at: int) -> Read | None:
    """Read what names a time without naming a day: "in December", "this weekend", "at Easter"."""
    word, behind = tokens.word(at), tokens.word(at + 1)
    if (word in _THIS or word in _NEXT) and (behind in _OPEN or behind in MONTHS):
        return (_WHICH_DAY,), at + 2
    if word in {"in", "im", "on", "at", "am", "over"}:
        start = tokens.skip_any(at + 1, {"the", "early", "late", "mid", "next", "nächsten"})
        named = tokens.word(start)
        year = tokens.digits(start) == 4 and tokens.word(start)[:2] in {"19", "20", "21"}
        if named in {"weekend", "wochenende", *_SEASONS} or (
            word not in {"on", "at", "am", "over"} and (named in MONTHS or year)
        ):
            return (_WHICH_DAY,), start + 1
    if word in {"on", "at", "before", "after", "an", "zu", "vor", "nach", "over"}:
        if behind in _FEASTS:
            return (_WHICH_DAY,), at + 2
        if behind in {"new", "valentine's", "mother's", "father's"}:
            named_eve = tokens.word(at + 2) in {"year", "year's", "years", "day"}
            return ((_WHICH_DAY,), at + 3) if named_eve else None
    if word in {"black", "good", "ash", "palm", "easter", "cyber", "shrove"}:
        return ((_WHICH_DAY,), at + 2) if behind in WEEKDAYS else None
    return None
