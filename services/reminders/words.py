"""The English and German words that times are made of; all are casefolded."""

from __future__ import annotations

DASHES = frozenset("-\u2010\u2013\u2014\u2212")

QUOTES = frozenset("\"'*_`\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e")


def one_of(words: str) -> frozenset[str]:
    """Return the words of a list that is parted by spaces."""
    return frozenset(words.split())


_SMALL = (
    ("zero", "null"),
    ("one", "eins"),
    ("two", "zwei"),
    ("three", "drei"),
    ("four", "vier"),
    ("five", "fünf"),
    ("six", "sechs"),
    ("seven", "sieben"),
    ("eight", "acht"),
    ("nine", "neun"),
    ("ten", "zehn"),
    ("eleven", "elf"),
    ("twelve", "zwölf"),
    ("thirteen", "dreizehn"),
    ("fourteen", "vierzehn"),
    ("fifteen", "fünfzehn"),
    ("sixteen", "sechzehn"),
    ("seventeen", "siebzehn"),
    ("eighteen", "achtzehn"),
    ("nineteen", "neunzehn"),
)
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90}
_GERMAN_TENS = {"zwanzig": 20, "dreissig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60}


def _numbers() -> dict[str, int]:
    found = {word: n for n, pair in enumerate(_SMALL) for word in pair} | TENS | _GERMAN_TENS
    found |= {"neunzig": 90, "zwo": 2}
    for ten, value in _GERMAN_TENS.items():
        for n in range(1, 10):
            unit = "ein" if n == 1 else _SMALL[n][1]
            found[f"{unit}und{ten}"] = value + n
    plain = {word.replace("ü", "ue").replace("ö", "oe"): n for word, n in found.items()}
    return plain | found


NUMBERS = _numbers()
ONE = frozenset({"a", "an", "ein", "eine", "einen", "einem", "einer"})

ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "fifteenth": 15,
    "twentieth": 20, "thirtieth": 30,
    **{
        stem + end: n
        for n, stem in enumerate(
            ("erste", "zweite", "dritte", "vierte", "fünfte", "sechste", "siebte", "achte",
             "neunte", "zehnte", "elfte", "zwölfte"), start=1
        )
        for end in ("", "n", "r", "s")
    },
}  # fmt: skip
LAST = frozenset({"last", "letzte", "letzten", "letzter", "letztes"})
OTHER = frozenset({"other", "alternate"})
ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th"})

_DAY_NAMES = (
    ("monday", "montag"),
    ("tuesday", "dienstag"),
    ("wednesday", "mittwoch"),
    ("thursday", "donnerstag"),
    ("friday", "freitag"),
    ("saturday", "samstag"),
    ("sunday", "sonntag"),
)
GERMAN_DAYS = frozenset(german for _, german in _DAY_NAMES) | {"sonnabend"}
WEEKDAYS = {name: n for n, pair in enumerate(_DAY_NAMES) for name in pair} | {"sonnabend": 5}
SHORT_DAYS = {
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "weds": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4,
    "sat": 5, "sun": 6,
}  # fmt: skip
"""Such as are words of their own; they need a word or a time beside them."""
ON_DAYS = {name + "s": n for name, n in WEEKDAYS.items()}
"""``mondays``, ``montags``."""

_MONTH_NAMES = (
    ("january", "januar", "jan", "jänner"),
    ("february", "februar", "feb"),
    ("march", "märz", "mar", "maerz"),
    ("april", "apr"),
    ("may", "mai"),
    ("june", "juni", "jun"),
    ("july", "juli", "jul"),
    ("august", "aug"),
    ("september", "sep", "sept"),
    ("october", "oktober", "oct", "okt"),
    ("november", "nov"),
    ("december", "dezember", "dec", "dez"),
)
MONTHS = {name: n for n, names in enumerate(_MONTH_NAMES, start=1) for name in names}
VERB_MONTHS = frozenset({"march", "may", "mar"})
MONTH_TITLES = tuple(names[0].title() for names in _MONTH_NAMES)
DAY_TITLES = tuple(english.title() for english, _ in _DAY_NAMES)

MORNING, FORENOON, MIDDAY, AFTERNOON, EVENING, NIGHT = (
    "morning", "forenoon", "midday", "afternoon", "evening", "night",
)  # fmt: skip
PARTS = {
    "morning": MORNING, "früh": MORNING, "frueh": MORNING, "vormittag": FORENOON,
    "mittag": MIDDAY, "afternoon": AFTERNOON, "nachmittag": AFTERNOON, "evening": EVENING,
    "abend": EVENING, "night": NIGHT, "nacht": NIGHT,
}  # fmt: skip
ADVERB_PARTS = {
    "morgens": MORNING, "vormittags": FORENOON, "mittags": MIDDAY, "nachmittags": AFTERNOON,
    "abends": EVENING, "nachts": NIGHT,
}  # fmt: skip
DAY_AND_PART = {
    day + part: (n, PARTS.get(part, MORNING))
    for day, n in WEEKDAYS.items()
    if day in GERMAN_DAYS
    for part in ("morgen", "früh", "vormittag", "mittag", "nachmittag", "abend", "nacht")
}
