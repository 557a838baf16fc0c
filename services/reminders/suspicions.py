"""Words left over that change what a time means, or are misspelled days."""

from __future__ import annotations

from collections.abc import Callable, Collection

from services.reminders.durations import unit_at
from services.reminders.tokens import Tokens
from services.reminders.words import MONTHS, ON_DAYS, QUOTES, SHORT_DAYS, WEEKDAYS, one_of

_MISSPELLED = one_of(
    "tommorow tommorw tmrow tmw tomoz tonite nite moro morro morrow evry evey evrey eevry wensday "
    "wendsday wedensday thrusday thirsday tuseday teusday saterday satuday"
)
_SPELLED = (
    "tomorrow", "tonight", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
    "sunday", "übermorgen", "montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag",
    "sonntag",
)  # fmt: skip
_WORDS = one_of("sundae sundaes") | frozenset(f"{name}'s" for name in WEEKDAYS)
"""Words one letter from a day that are right as they stand."""
_SHORTEST = 6
_GERMAN_SHORT = one_of("mo di mi do fr sa so")
_EVERY = one_of("every each jede jeden jedes jeder jedem")
_NEGATIONS = one_of("not don't dont never nicht kein nie niemals")
_OCCASIONS = one_of(
    "birthday geburtstag anniversary hochzeitstag jahrestag payday zahltag birthdays"
)
_ANCHORED = one_of("day days night evening morning week weeks weekend month tag abend woche")
_RELATIONS = one_of("before after of vor nach")
_DISTANT = one_of("later ago earlier minus plus vorher nachher später danach davor")
_HALVES = one_of("half halb quarter viertel dreiviertel")
_AND = one_of("and und &")

Check = Callable[[Tokens, int, Collection[int]], bool]


def suspicious(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Tell whether what stands at ``at`` makes the times in ``taken`` mean something else."""
    return any(check(tokens, at, taken) for check in _CHECKS)


def _misspelled(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "tomorow", "firday"; "2moro" is a number and a word."""
    word = tokens.word(at)
    if word in _MISSPELLED or (word == "ever" and tokens.word(at + 1) in _ANCHORED):
        return True
    if len(word) < _SHORTEST or word in _WORDS or word in ON_DAYS or word in WEEKDAYS:
        return False
    return any(_one_slip(word, right) for right in _SPELLED)


def _one_slip(word: str, right: str) -> bool:
    """Tell whether one letter is missing, added, wrong, or two neighbours are swapped."""
    if abs(len(word) - len(right)) > 1 or word == right:
        return False
    same = 0
    while same < min(len(word), len(right)) and word[same] == right[same]:
        same += 1
    left, wanted = word[same:], right[same:]
    swapped = left[1::-1] + left[2:] if len(left) > 1 else left
    return wanted in {left[1:], swapped} or left[1:] == wanted[1:] or left == wanted[1:]


def _negated(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "not at 5pm", "don't remind me"."""
    word = tokens.word(at)
    behind = tokens.skip(at + 1, "not") if word == "do" else at + 1
    if word not in _NEGATIONS and behind == at + 1:
        return False
    return behind in taken or tokens.word(behind) in {"remind", "erinnern"}


def _german_day(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "So um 18 Uhr" and "Di. 18:00", which are no full names of days."""
    if tokens.word(at) not in _GERMAN_SHORT:
        return False
    behind = at + 1
    while tokens.word(behind) in {".", ","}:
        behind += 1
    german = tokens.word(behind) in {"um", "gegen", "früh", "abend"} or tokens.digits(behind) > 0
    return german and (behind in taken or tokens.word(at - 1) == "am")


def _more_times(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "and 5" behind a time."""
    behind_time = tokens.word(at) in _AND and at - 1 in taken
    return behind_time and tokens.spoken(at + 1) is not None


def _listed_day(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find the "Sat &" of "Sat & Sun at 10am"."""
    joined = tokens.word(at + 1) in _AND | {"/", ",", "+"} and at + 2 in taken
    return joined and tokens.word(at) in SHORT_DAYS and tokens.word(at + 2) in SHORT_DAYS


def _part_of_hour(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "at :15", "on the hour", and "in 01:30", which is no time of day."""
    if tokens.skip(at, "on", "the", "hour") > at or tokens.skip(at, "past", "the", "hour") > at:
        return True
    word, glued = tokens.word(at), tokens.glued(at + 1) and not tokens.glued(at)
    if word == ":" and glued and tokens.digits(at + 1) == 2:
        return True
    return word == "in" and at + 1 in taken and tokens.digits(at + 1) > 0


def _other_day(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "after next", "the following friday", "the day after", "on her birthday"."""
    word, behind = tokens.word(at), tokens.word(at + 1)
    if word in {"following", "folgenden", "folgende"}:
        return behind in WEEKDAYS or behind in SHORT_DAYS or behind in MONTHS
    if word in {"after", "before"} and at - 1 in taken:
        return behind in {"next", "that", "this", "last"} or not tokens.is_word(at + 1)
    if word in _OCCASIONS:
        return bool({tokens.word(at - n) for n in (1, 2, 3)} & {"on", "an", "am", "zu"})
    if word in {"des", "vom"} and tokens.digits(at + 1):
        return True
    if word in {"tomorrow's", "tonight's"}:
        return True
    anchored = word in _ANCHORED and behind in _RELATIONS
    return anchored and tokens.word(at - 1) in {"the", "one", "on", "am", "a", "each", "every"}


def _shifted(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "2 days later", "minus 10 minutes"; half of an hour that is not said whole."""
    word = tokens.word(at)
    if word in {"minus", "plus"}:
        return tokens.spoken(at + 1) is not None
    if word in _DISTANT:
        return unit_at(tokens, at - 1) or at - 1 in taken
    return word in _HALVES and at + 1 in taken and tokens.spoken(at + 1) is not None


def _irregular(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "every two mondays", "every leap day", "every now and then"."""
    if tokens.word(at) not in _EVERY:
        return False
    read = tokens.spoken(at + 1)
    if read is not None and (read[1] in taken or (read[0] > 1 and unit_at(tokens, read[1]))):
        return True
    return tokens.word(at + 1) in {"leap", "now", "so", "single"}


def _written_date(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "20261125" and "2026-W48-1"."""
    if tokens.word(at)[:2] not in {"19", "20", "21"}:
        return False
    if tokens.digits(at) == 8:
        return at + 1 in taken or at - 1 in taken
    week = tokens.word(at + 2) == "w" or tokens.word(at + 2).startswith("w")
    return tokens.digits(at) == 4 and tokens.word(at + 1) == "-" and week


def _bracketed_zone(tokens: Tokens, at: int, taken: Collection[int]) -> bool:
    """Find "(UTC+2)" behind a time."""
    return (
        tokens.word(at) in {"(", "["} | QUOTES
        and at - 1 in taken
        and tokens.word(at + 1) in one_of("utc gmt cet cest est edt pst pdt mez mesz bst ist jst")
    )


_CHECKS: tuple[Check, ...] = (
    _misspelled, _listed_day, _part_of_hour, _negated, _german_day, _more_times, _other_day,
    _shifted, _irregular, _written_date, _bracketed_zone,
)  # fmt: skip
