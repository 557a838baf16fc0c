"""Moments and durations in the words of moment.js, whose format letters card authors use."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_LONG = {
    "LTS": "h:mm:ss A",
    "LT": "h:mm A",
    "LLLL": "dddd, MMMM D, YYYY h:mm A",
    "LLL": "MMMM D, YYYY h:mm A",
    "LL": "MMMM D, YYYY",
    "L": "MM/DD/YYYY",
    "llll": "ddd, MMM D, YYYY h:mm A",
    "lll": "MMM D, YYYY h:mm A",
    "ll": "MMM D, YYYY",
    "l": "M/D/YYYY",
}
_LONG_TOKEN = re.compile(r"\[[^\[\]]*\]|LTS|LT|LL?L?L?|l{1,4}")
_TOKEN = re.compile(
    r"\[([^\[\]]*)\]|YYYY|YY|Qo|Q|MMMM|MMM|MM|Mo|M|DDDD|DDDo|DDD|DD|Do|D|dddd|ddd|dd|do|d|e|E"
    r"|ww|wo|w|WW|Wo|W|GGGG|GG|gggg|gg|HH|H|hh|h|kk|k|A|a|mm|m|ss|s|S{1,9}|ZZ|Z|zz|z|X|x"
)
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_NOON = 12
_LONGEST_MOMENT = 64


def formatted(moment: datetime, pattern: str) -> str:
    """Return ``moment`` by moment.js's format letters, in English; other text stands for itself."""
    pattern = _LONG_TOKEN.sub(lambda match: _LONG.get(match.group(), match.group()), pattern)

    def part(match: re.Match[str]) -> str:
        if match.group().startswith("["):
            return match[1]
        return _part(moment, match.group())

    return _TOKEN.sub(part, pattern)


def time_of_day(moment: datetime) -> str:
    """Return the time as in ``3:04 PM``."""
    return formatted(moment, "LT")


def humanised(duration: timedelta) -> str:
    """Return about how long ``duration`` is, as in ``3 hours``; moment.js's thresholds."""
    seconds = abs(duration.total_seconds())
    if _rounded(seconds) < 45:
        return "a few seconds"
    minutes, hours, days = (_rounded(seconds / size) for size in (60, 3600, 86400))
    for count, limit, one, many in (
        (minutes, 45, "a minute", "minutes"),
        (hours, 22, "an hour", "hours"),
        (days, 26, "a day", "days"),
    ):
        if count <= 1:
            return one
        if count < limit:
            return f"{count} {many}"
    # A month is 400 years of the Gregorian calendar divided by their 4,800 months.
    months = _rounded(seconds / 86400 * 4800 / 146097)
    if months <= 1:
        return "a month"
    if months < 11:
        return f"{months} months"
    years = _rounded(seconds / 86400 * 400 / 146097)
    return "a year" if years <= 1 else f"{years} years"


def from_now(difference: timedelta) -> str:
    """Return ``difference`` as ``in 3 hours`` or ``3 hours ago``."""
    words = humanised(difference)
    return f"{words} ago" if difference <= timedelta(0) else f"in {words}"


def read_moment(text: str, zone: datetime) -> datetime | None:
    """Read a date or a date with time; one without a zone is in that of ``zone``."""
    text = text.strip()[:_LONGEST_MOMENT]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        for pattern in ("%B %d, %Y %I:%M %p", "%B %d, %Y", "%m/%d/%Y", "%Y/%m/%d"):
            try:
                moment = datetime.strptime(text, pattern)  # noqa: DTZ007  the zone follows
            except ValueError:
                continue
            break
        else:
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone.tzinfo)


def _rounded(number: float) -> int:
    return int(number + 0.5)


def _part(moment: datetime, letters: str) -> str:
    hour12 = moment.hour % _NOON or _NOON
    weekday = moment.isoweekday() % 7
    if letters[0] == "S":
        return f"{moment.microsecond:06d}000"[: len(letters)]
    if letters in {"Z", "ZZ"}:
        offset = moment.strftime("%z") or "+0000"
        return offset[:5] if letters == "ZZ" else f"{offset[:3]}:{offset[3:5]}"
    if letters in {"w", "ww", "wo", "gg", "gggg"}:
        year, week = _local_week(moment)
        number = year if letters.startswith("g") else week
        return _numbered(letters, number)
    iso = moment.isocalendar()
    table: dict[str, str] = {
        "YYYY": f"{moment.year:04d}",
        "YY": f"{moment.year % 100:02d}",
        "MMMM": _MONTHS[moment.month - 1],
        "MMM": _MONTHS[moment.month - 1][:3],
        "dddd": _DAYS[weekday],
        "ddd": _DAYS[weekday][:3],
        "dd": _DAYS[weekday][:2],
        "GGGG": f"{iso.year:04d}",
        "GG": f"{iso.year % 100:02d}",
        "A": "AM" if moment.hour < _NOON else "PM",
        "a": "am" if moment.hour < _NOON else "pm",
        "X": str(int(moment.timestamp())),
        "x": str(int(moment.timestamp() * 1000)),
        "z": moment.tzname() or "",
        "zz": moment.tzname() or "",
        "DDDD": f"{moment.timetuple().tm_yday:03d}",
    }
    if letters in table:
        return table[letters]
    numbers = {
        "Q": (moment.month - 1) // 3 + 1,
        "M": moment.month,
        "D": moment.timetuple().tm_yday if letters.startswith("DDD") else moment.day,
        "d": weekday,
        "e": weekday,
        "E": moment.isoweekday(),
        "W": iso.week,
        "H": moment.hour,
        "h": hour12,
        "k": moment.hour or 24,
        "m": moment.minute,
        "s": moment.second,
    }
    return _numbered(letters, numbers[letters[0]])


def _numbered(letters: str, number: int) -> str:
    if letters.endswith("o"):
        return _ordinal(number)
    if letters in {"gggg", "gg"}:
        return f"{number:04d}"[-len(letters) :]
    return f"{number:02d}" if len(letters) == len("MM") else str(number)


def _ordinal(number: int) -> str:
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _local_week(moment: datetime) -> tuple[int, int]:
    """Return year and week where weeks begin on Sunday and the first one holds 1 January."""
    day = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo is None else moment
    sunday = day.date() - timedelta(days=day.isoweekday() % 7)
    year = (sunday + timedelta(days=6)).year
    first = datetime(year, 1, 1, tzinfo=UTC).date()
    first_sunday = first - timedelta(days=first.isoweekday() % 7)
    return year, (sunday - first_sunday).days // 7 + 1
