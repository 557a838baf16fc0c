"""Sentences about reminders, the same on every surface."""

from __future__ import annotations

from collections.abc import Sequence

from services.reminders.reminder import Reminder, State
from services.reminders.service import Made
from services.reminders.zones import ZoneOrigin

_SHOWN = 120


def confirmation(made: Made, *, zone_command: str = "") -> str:
    """Return what a person is told about a new reminder; its text is the person's own.

    Where the zone is not the person's own choice, it says which was taken and, if
    ``zone_command`` is given, that this changes it.
    """
    reminder = made.reminder
    repeats = ", and again after that" if reminder.rrule else ""
    sentence = f"#{reminder.number}: {reminder.moment}{repeats}. {reminder.text}"
    if made.zone.origin is ZoneOrigin.PERSON:
        return sentence
    whose = "this place's" if made.zone.origin is ZoneOrigin.PLACE else "the machine's"
    how = f"; {zone_command} sets your own" if zone_command else ", as you have not said yours"
    return f"{sentence}\n(I took {whose} time zone, {made.zone.zone.key}{how}.)"


def listing(reminders: Sequence[Reminder]) -> list[str]:
    """Return a line for each reminder."""
    return [line(one) for one in reminders]


def line(reminder: Reminder) -> str:
    """Return a reminder in one line: number, moment, how it stands, and its text."""
    remarks = []
    if reminder.rrule:
        remarks.append("repeats")
    if reminder.private:
        remarks.append("private")
    if reminder.state is State.UNDELIVERED:
        remarks.append("could not be delivered")
    if reminder.missed:
        remarks.append(f"{reminder.missed} not delivered")
    note = f" [{', '.join(remarks)}]" if remarks else ""
    return f"#{reminder.number} {reminder.moment}{note}: {shortened(reminder.text)}"


def shortened(text: str) -> str:
    """Return the beginning of a reminder's text."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def put_off(reminder: Reminder) -> str:
    """Return what a person is told who has put a reminder off."""
    return f"I will come back to it: {reminder.moment}."


def finished(reminder: Reminder | None) -> str:
    """Return what a person is told who is done with a reminder."""
    return "Done." if reminder is None else f"Done. The next one is on {reminder.moment}."
