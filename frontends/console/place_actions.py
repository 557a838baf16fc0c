"""Commands about what holds in a place, and how a person likes to be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.domain.errors import InvalidRequest
from services.people.answer_style import PRESETS, AnswerStyle

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_UNSET = "-"


async def _place(talk: Talk, argument: str) -> None:
    name, _, value = argument.partition(" ")
    value = value.strip()
    if not name:
        listed = await talk.places.overview(talk.conversation)
    elif not value:
        setting = talk.places.find(name)
        raise InvalidRequest(
            "place_usage",
            f"{setting.description} Write /place {setting.name} VALUE, or - for none.",
        )
    else:
        text = None if value == _UNSET else value
        listed = [
            await talk.places.change(talk.conversation, name, text, by=talk.author, role=talk.role)
        ]
    width = max(len(one.name) for one in listed)
    talk.view.report(
        Report(
            kind="place",
            lines=[f"{one.name:<{width}}  {one.shown}  ({one.where})" for one in listed],
            fields={one.name: {"shown": one.shown, "where": one.where} for one in listed},
        )
    )


async def _style(talk: Talk, argument: str) -> None:
    word, _, rest = argument.partition(" ")
    account = talk.author.id
    match word.lower():
        case "":
            style = await talk.answer_styles.of(account)
        case "clear" if not rest:
            await talk.answer_styles.clear(account)
            style = None
        case name if name in PRESETS and not rest:
            style = await talk.answer_styles.preset(account, name)
        case _:
            style = await talk.answer_styles.choose(account, argument)
    talk.view.report(Report(kind="style", lines=[_told(style)], fields=_fields(style)))


def _told(style: AnswerStyle | None) -> str:
    if style is None:
        return "You have no wish about how you are answered."
    return f"You would like ({style.preset or 'your own words'}): {style.text}"


def _fields(style: AnswerStyle | None) -> dict[str, object]:
    return {} if style is None else {"text": style.text, "preset": style.preset}


async def _timezone(talk: Talk, argument: str) -> None:
    account = talk.author.id
    if argument == _UNSET:
        await talk.timezones.clear(account)
    elif argument:
        await talk.timezones.choose(account, argument)
    zone = await talk.timezones.of(account)
    lines = [f"Times are told to you in {zone or 'the zone of this machine or of the place'}."]
    talk.view.report(Report(kind="timezone", lines=lines, fields={"timezone": zone}))


PLACE_COMMANDS = (
    SlashCommand(
        name="place",
        argument="[NAME VALUE|-]",
        summary="Show what holds in this conversation, or choose it.",
        perform=_place,
    ),
    SlashCommand(
        name="style",
        argument=f"[{'|'.join(PRESETS)}|TEXT|clear]",
        summary="Say how you would like to be answered.",
        perform=_style,
    ),
    SlashCommand(
        name="timezone",
        argument="[NAME|-]",
        summary="Say in which time zone you are.",
        perform=_timezone,
    ),
)
