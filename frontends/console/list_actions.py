"""Commands for lists and polls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.domain.errors import InvalidRequest
from services.lists.values import NamedList, Poll
from services.toolbox.basics.chance import options_in

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_LIST_USAGE = (
    "Write /list, /list NAME, /list add NAME: THINGS, /list tick NAME: NUMBER, "
    "/list remove NAME: NUMBER, /list clean NAME or /list delete NAME."
)
_POLL_USAGE = (
    "Write /poll, /poll ask QUESTION? A, B, ..., /poll show NUMBER, /poll vote NUMBER OPTION or "
    "/poll close NUMBER."
)


async def _list(talk: Talk, argument: str) -> None:
    word, _, rest = argument.partition(" ")
    name, colon, value = (part.strip() for part in rest.partition(":"))
    by, where = talk.author, talk.conversation
    match word.lower():
        case "":
            _lists(talk, await talk.lists.all(by=by, where=where))
        case "add" if colon:
            texts = [part for part in value.split(",") if part.strip()]
            _lists(talk, [await talk.lists.add(name, texts, by=by, where=where)])
        case "tick" if colon:
            _lists(talk, [await talk.lists.tick(name, _number(value), by=by, where=where)])
        case "remove" if colon:
            _lists(talk, [await talk.lists.remove(name, _number(value), by=by, where=where)])
        case "clean" if name:
            _lists(talk, [await talk.lists.remove(name, None, by=by, where=where)])
        case "delete" if name:
            await talk.lists.delete(name, by=by, role=talk.role, where=where)
            _lists(talk, [])
        case "add" | "tick" | "remove" | "clean" | "delete":
            raise InvalidRequest("list_usage", _LIST_USAGE)
        case _:
            _lists(talk, [await talk.lists.show(argument, by=by, where=where)])


async def _poll(talk: Talk, argument: str) -> None:
    word, _, rest = argument.partition(" ")
    rest = rest.strip()
    by, where = talk.author, talk.conversation
    match word.lower():
        case "":
            _polls(talk, await talk.polls.listed(where=where))
        case "ask" if "?" in rest:
            question, _, options = rest.partition("?")
            asked = await talk.polls.ask(f"{question}?", options_in(options), by=by, where=where)
            _polls(talk, [asked])
        case "show" if rest:
            _polls(talk, [await talk.polls.show(_number(rest), where=where)])
        case "vote" if " " in rest:
            number, _, option = rest.partition(" ")
            voted = await talk.polls.vote(_number(number), _number(option), by=by, where=where)
            _polls(talk, [voted])
        case "close" if rest:
            closed = await talk.polls.close(_number(rest), by=by, role=talk.role, where=where)
            _polls(talk, [closed])
        case _:
            raise InvalidRequest("poll_usage", _POLL_USAGE)


def _number(text: str) -> int:
    if not text.strip().isdecimal() or len(text) > 10:
        raise InvalidRequest("list_line", "Write its number, such as 2.")
    return int(text)


def _lists(talk: Talk, found: Sequence[NamedList]) -> None:
    lines: list[str] = []
    for one in found:
        lines.append(f"{one.name}{' (shared here)' if one.shared else ''}")
        lines += [f"  {i.number}. {'[x]' if i.done else '[ ]'} {i.text}" for i in one.items]
    fields = {"lists": [one.as_json() for one in found]}
    talk.view.report(Report(kind="lists", lines=lines or ["There are none."], fields=fields))


def _polls(talk: Talk, found: Sequence[Poll]) -> None:
    lines: list[str] = []
    for poll in found:
        lines.append(f"{poll.number}. {poll.question}{' (closed)' if poll.closed_at else ''}")
        counted = zip(poll.options, poll.votes, strict=True)
        lines += [f"  {n}. {option}: {count}" for n, (option, count) in enumerate(counted, 1)]
    fields = {"polls": [poll.as_json() for poll in found]}
    talk.view.report(Report(kind="polls", lines=lines or ["There are none."], fields=fields))


LIST_COMMANDS = (
    SlashCommand(
        name="list",
        argument="[NAME|add|tick|remove|clean|delete]",
        summary="Show a list, or put things on it and tick them off.",
        perform=_list,
    ),
    SlashCommand(
        name="poll",
        argument="[ask|show|vote|close]",
        summary="Ask a question with options, and vote.",
        perform=_poll,
    ),
)
