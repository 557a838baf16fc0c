"""Commands about tools, and those that roll, choose, calculate and convert."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.conversation.tool_permissions import ToolStanding
from services.conversation.tool_rules import ToolRule
from services.domain.errors import InvalidRequest
from services.toolbox.basics import chance
from services.toolbox.basics.arithmetic import calculate
from services.toolbox.basics.units import convert

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_USAGE = "Write /tools, /tools allow NAME, /tools deny NAME or /tools reset NAME."
_CONVERT_USAGE = "Write it as /convert 5 km to mile."
_INTO = frozenset({"to", "in", "into", "nach"})


async def _tools(talk: Talk, argument: str) -> None:
    word, _, name = argument.partition(" ")
    name = name.strip()
    if not word:
        await _listed(talk)
        return
    if word not in ("allow", "deny", "reset") or not name:
        raise InvalidRequest("tools_usage", _USAGE)
    permissions = talk.tool_permissions
    if word == "reset":
        dropped = await permissions.drop(talk.conversation, name, by=talk.author, role=talk.role)
        talk.view.report(
            Report(
                kind="tools", lines=[f"Rules taken away: {dropped}."], fields={"dropped": dropped}
            )
        )
        return
    rule = ToolRule(tool=name[:100], allow=word == "allow")
    await permissions.put(talk.conversation, rule, by=talk.author, role=talk.role)
    verb = "allowed" if rule.allow else "forbidden"
    talk.view.report(
        Report(kind="tools", lines=[f"{name}: {verb} here."], fields={"rule": rule.model_dump()})
    )


async def _listed(talk: Talk) -> None:
    persona = await talk.conversations.persona_of(talk.conversation)
    standing = await talk.tool_permissions.standing(
        talk.conversation, persona, by=talk.author, role=talk.role
    )
    width = max((len(one.tool.name) for one in standing), default=0)
    lines = [f"{one.tool.name:<{width}}  {_told(one)}" for one in standing]
    talk.view.report(
        Report(
            kind="tools",
            lines=lines or ["There are none."],
            fields={"tools": {one.tool.name: one.reason or "usable" for one in standing}},
        )
    )


def _told(one: ToolStanding) -> str:
    return one.tool.description if one.usable else f"({one.reason}) {one.tool.description}"


async def _roll(talk: Talk, argument: str) -> None:
    _say(talk, "roll", chance.roll(argument or "1d6", talk.rng))


async def _choose(talk: Talk, argument: str) -> None:
    _say(talk, "choice", chance.choose(chance.options_in(argument), talk.rng))


async def _calculate(talk: Talk, argument: str) -> None:
    _say(talk, "calculation", f"{argument} = {calculate(argument)}")


async def _convert(talk: Talk, argument: str) -> None:
    words = argument.split()
    if len(words) == 4 and words[2].lower() in _INTO:
        del words[2]
    if len(words) != 3:
        raise InvalidRequest("convert_usage", _CONVERT_USAGE)
    try:
        amount = float(words[0].replace(",", "."))
    except ValueError as error:
        raise InvalidRequest("convert_usage", _CONVERT_USAGE) from error
    _say(talk, "conversion", await asyncio.to_thread(convert, amount, words[1], words[2]))


def _say(talk: Talk, kind: str, text: str) -> None:
    talk.view.report(Report(kind=kind, lines=[text], fields={"result": text}))


TOOL_COMMANDS = (
    SlashCommand(
        name="tools",
        argument="[allow|deny|reset NAME]",
        summary="List what characters can do for you, or choose what they may.",
        perform=_tools,
    ),
    SlashCommand(name="roll", argument="[DICE]", summary="Roll dice, such as 2d6.", perform=_roll),
    SlashCommand(
        name="choose",
        argument="A, B, ...",
        summary="Have one of several things chosen.",
        perform=_choose,
    ),
    SlashCommand(
        name="calculate", argument="TEXT", summary="Work out arithmetic.", perform=_calculate
    ),
    SlashCommand(
        name="convert",
        argument="AMOUNT UNIT to UNIT",
        summary="Convert an amount into another unit.",
        perform=_convert,
    ),
)
