"""Reads when somebody wants to be reminded, and of what, from what they say.

English and German. ``docs/reminders.md`` states the rules; what they do not decide is asked back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.reminders.lead_ins import find_lead_ins, remaining_text
from services.reminders.moments import TooFar
from services.reminders.occurrences import next_occurrence
from services.reminders.repeating import repeated
from services.reminders.resolution import gathered, resolved
from services.reminders.sentence import read_sentence
from services.reminders.settling import Unclear
from services.reminders.tokens import Tokens

__all__ = ["LONGEST_TEXT", "ParsedReminder", "next_occurrence", "parse_reminder"]

LONGEST_TEXT = 2000
"""Characters that are read; more is asked to be shortened."""

_TOO_LONG = f"That is too long: say it in at most {LONGEST_TEXT:,} characters, with the time."
_TOO_FAR = "That is too far away: when should I remind you?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedReminder:
    """What was understood; either ``when`` or ``ask`` is set.

    ``when`` is aware, in the person's zone and later than now; ``rrule`` is the value of an
    RFC 5545 RRULE whose DTSTART is ``when``; ``text`` is what to remind of and may be empty.
    """

    when: datetime | None
    rrule: str | None
    text: str
    ask: str | None


def parse_reminder(text: str, *, now: datetime, zone: ZoneInfo) -> ParsedReminder:
    """Return when to remind of what; ``now`` is aware. Nothing in ``text`` makes it raise.

    The time may stand anywhere in the sentence. One clear question is asked when a time is missing,
    can mean two things, contradicts itself, is over or does not exist.
    """
    if len(text) > LONGEST_TEXT:
        start = " ".join(text[:LONGEST_TEXT].split())
        return ParsedReminder(when=None, rrule=None, text=start, ask=_TOO_LONG)
    tokens = Tokens(text)
    lead_ins = find_lead_ins(tokens)
    found = read_sentence(tokens, lead_ins=lead_ins)
    times = {at for one in found for at in range(one.start, one.end)}
    rest = remaining_text(text, tokens, times=times, lead_ins=lead_ins)
    when, rrule, ask = None, None, None
    try:
        understood = gathered(element for one in found for element in one.elements)
        if understood.every is not None:
            rrule, when = repeated(understood.every, understood, now=now, zone=zone)
        else:
            when = resolved(understood, now=now, zone=zone)
    except Unclear as unclear:
        ask = str(unclear)
    except (TooFar, OverflowError):
        ask = _TOO_FAR
    return ParsedReminder(when=when, rrule=rrule, text=rest, ask=ask)
