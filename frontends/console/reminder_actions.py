"""Commands about reminders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.domain.errors import InvalidRequest
from services.reminders.reminder import Reminder, Snooze
from services.reminders.service import Made, Request
from services.reminders.wording import confirmation, finished, listing, put_off, shortened

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_ZONE_COMMAND = "/timezone"
_MOST_SHOWN = 200


async def _remind(talk: Talk, text: str) -> None:
    made = await talk.reminders.create(await _request(talk, text), by=talk.author)
    _report_made(talk, made)


async def _list(talk: Talk, _argument: str) -> None:
    found = (await talk.reminders.listed(by=talk.author))[:_MOST_SHOWN]
    lines = listing(found) or ["You have no reminders; /remind makes one."]
    fields = {"reminders": [_fields(one) for one in found]}
    talk.view.report(Report(kind="reminders", lines=lines, fields=fields))


async def _change(talk: Talk, argument: str) -> None:
    number, _, text = argument.partition(" ")
    request = await _request(talk, text)
    _report_made(talk, await talk.reminders.change(_number(number), request, by=talk.author))


async def _cancel(talk: Talk, argument: str) -> None:
    gone = await talk.reminders.cancel(_number(argument), by=talk.author)
    _report(talk, [f"Cancelled #{gone.number}: {shortened(gone.text)}"], gone)


async def _clear(talk: Talk, _argument: str) -> None:
    count = await talk.reminders.clear(by=talk.author)
    talk.view.report(
        Report(kind="reminders", lines=[f"Cancelled: {count}."], fields={"cancelled": count})
    )


async def _snooze(talk: Talk, argument: str) -> None:
    number, _, how = argument.partition(" ")
    if how.strip() not in list(Snooze):
        choices = ", ".join(Snooze)
        raise InvalidRequest("snooze_usage", f"Say for how long after the number: {choices}.")
    again = await talk.reminders.snooze(_number(number), Snooze(how.strip()), by=talk.author)
    _report(talk, [put_off(again)], again)


async def _done(talk: Talk, argument: str) -> None:
    again = await talk.reminders.finish(_number(argument), by=talk.author)
    _report(talk, [finished(again)], again)


async def _request(talk: Talk, text: str) -> Request:
    persona = await talk.conversations.persona_of(talk.conversation)
    return Request(text=text, conversation=talk.conversation, persona=persona.id)


def _number(text: str) -> int:
    digits = text.strip().removeprefix("#")
    if not digits.isdecimal() or len(digits) > 7:
        raise InvalidRequest("reminder_number", "Write a number from /reminders.")
    return int(digits)


def _report_made(talk: Talk, made: Made) -> None:
    lines = confirmation(made, zone_command=_ZONE_COMMAND).splitlines()
    _report(talk, lines, made.reminder)


def _report(talk: Talk, lines: Sequence[str], reminder: Reminder | None) -> None:
    fields = {} if reminder is None else _fields(reminder)
    talk.view.report(Report(kind="reminder", lines=lines, fields=fields))


def _fields(reminder: Reminder) -> dict[str, object]:
    return {
        "number": reminder.number,
        "when": reminder.due_at.astimezone(reminder.zone).isoformat(),
        "timezone": reminder.timezone,
        "repeats": reminder.rrule,
        "text": reminder.text,
        "state": reminder.state.value,
        "missed": reminder.missed,
    }


REMINDER_COMMANDS = (
    SlashCommand(
        name="remind", argument="TEXT", summary="Be reminded of something.", perform=_remind
    ),
    SlashCommand(name="reminders", summary="List your reminders.", perform=_list),
    SlashCommand(
        name="change_reminder",
        argument="NUMBER TEXT",
        summary="Give a reminder another time and text.",
        perform=_change,
    ),
    SlashCommand(
        name="snooze_reminder",
        argument="NUMBER 10m|1h|morning",
        summary="Put a reminder off.",
        perform=_snooze,
    ),
    SlashCommand(
        name="finish_reminder",
        argument="NUMBER",
        summary="Note that a reminder is done.",
        perform=_done,
    ),
    SlashCommand(
        name="cancel_reminder",
        argument="NUMBER",
        summary="Cancel a reminder.",
        perform=_cancel,
    ),
    SlashCommand(name="clear_reminders", summary="Cancel all your reminders.", perform=_clear),
)
