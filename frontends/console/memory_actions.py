"""Commands about what is remembered of the person, and about being forgotten."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from frontends.console.memory_rights import fact_line, turn_line
from frontends.console.recall_actions import choose_privacy
from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.domain.errors import InvalidRequest
from services.domain.ids import MessageId
from services.memory.rights.service import MemoryRights, Requester

if TYPE_CHECKING:
    from frontends.console.talk import Talk
    from services.memory.forgetting.receipts import Receipt

_USAGE = (
    "Write /memory list, past, search WORDS, correct ID VALUE, pin ID, unpin ID, forget ID, "
    "hearsay, privacy or export; the ids stand in the list."
)
_FORGET_USAGE = (
    "Write /forget me, /forget message ID or /forget matching WORDS; you are asked before anything "
    "happens."
)
_CONFIRMED = "yes"


async def _memory(talk: Talk, argument: str) -> None:
    word, _, rest = argument.strip().partition(" ")
    action = _ACTIONS.get(word.lower() or "list")
    if action is None:
        raise InvalidRequest("memory_usage", _USAGE)
    await action(talk, rest.strip())


async def _list(talk: Talk, rest: str) -> None:
    _nothing_more(rest)
    rights, requester = _rights(talk)
    overview = await rights.overview(requester)
    facts = await rights.facts(requester)
    counted = (f"{name.replace('_', ' ')}: {value}" for name, value in overview.as_json().items())
    _report(
        talk,
        [*counted, *map(fact_line, facts)],
        overview.as_json() | {"known": [fact.as_json() for fact in facts]},
    )


async def _past(talk: Talk, rest: str) -> None:
    _nothing_more(rest)
    rights, requester = _rights(talk)
    facts = [fact for fact in await rights.facts(requester, past=True) if not fact.standing]
    _report(
        talk,
        [*map(fact_line, facts)] or ["Nothing was corrected or contradicted yet."],
        {"known": [fact.as_json() for fact in facts]},
    )


async def _search(talk: Talk, rest: str) -> None:
    _something(rest)
    rights, requester = _rights(talk)
    found = await rights.search(requester, rest)
    lines = [*map(turn_line, found.turns), *map(fact_line, found.facts)]
    _report(talk, lines or ["Nothing of yours matches that."], found.as_json())


async def _correct(talk: Talk, rest: str) -> None:
    fact, _, value = rest.partition(" ")
    _something(value)
    rights, requester = _rights(talk)
    changed = await rights.correct(requester, fact, value)
    _report(talk, [fact_line(changed)], changed.as_json())


async def _pin(talk: Talk, rest: str) -> None:
    _something(rest)
    rights, requester = _rights(talk)
    changed = await rights.pin(requester, rest)
    _report(talk, [fact_line(changed)], changed.as_json())


async def _unpin(talk: Talk, rest: str) -> None:
    _something(rest)
    rights, requester = _rights(talk)
    changed = await rights.pin(requester, rest, pinned=False)
    _report(talk, [fact_line(changed)], changed.as_json())


async def _forget_fact(talk: Talk, rest: str) -> None:
    _something(rest)
    rights, requester = _rights(talk)
    await rights.forget_fact(requester, rest)
    _report(talk, ["That is forgotten."], {"fact": rest})


async def _hearsay(talk: Talk, rest: str) -> None:
    _nothing_more(rest)
    rights, requester = _rights(talk)
    count = await rights.forget_hearsay(requester)
    _report(talk, [f"{count} things others told of you are forgotten."], {"facts": count})


async def _export(talk: Talk, rest: str) -> None:
    _nothing_more(rest)
    rights, requester = _rights(talk)
    exported = await rights.export(requester)
    lines = json.dumps(exported, ensure_ascii=False, indent=1).splitlines()
    _report(talk, lines, exported, kind="memory_export")


async def _forget(talk: Talk, argument: str) -> None:
    words = argument.split()
    confirmed = len(words) > 1 and words[-1].lower() == _CONFIRMED
    if confirmed:
        words = words[:-1]
    rights, requester = _rights(talk)
    match [words[0].lower(), *words[1:]]:
        case ["me"]:
            if confirmed:
                _forgotten(talk, await rights.forget_me(requester))
                return
            overview = await rights.overview(requester)
            lines = [
                f"This erases all {overview.messages} messages and {overview.facts} facts of yours "
                "everywhere and cannot be undone.",
                "Type /forget me yes to do it.",
            ]
            _report(talk, lines, overview.as_json(), kind="forget_preview")
        case ["message", message]:
            if not confirmed:
                raise InvalidRequest("forget_confirm", f"Type /forget message {message} yes.")
            _forgotten(talk, await rights.forget_message(requester, MessageId(message)))
        case ["matching", *rest] if rest:
            await _forget_matching(talk, " ".join(rest), confirmed=confirmed)
        case _:
            raise InvalidRequest("forget_usage", _FORGET_USAGE)


async def _forget_matching(talk: Talk, query: str, *, confirmed: bool) -> None:
    rights, requester = _rights(talk)
    found = await rights.preview(requester, query)
    if confirmed:
        receipt = await rights.forget_matching(requester, query, expected=found.count)
        _forgotten(talk, receipt)
        return
    lines = [*map(turn_line, found.turns), *map(fact_line, found.facts)]
    lines.append(f"Type /forget matching {query} yes to forget these.")
    _report(talk, lines, found.as_json(), kind="forget_preview")


def _forgotten(talk: Talk, receipt: Receipt | None) -> None:
    if receipt is None:
        _report(talk, ["That is forgotten."], {"receipt": None}, kind="forgotten")
        return
    _report(talk, receipt.lines(), receipt.as_json(), kind="forgotten")


def _rights(talk: Talk) -> tuple[MemoryRights, Requester]:
    return talk.memory_rights, Requester(account=talk.author.id, role=talk.role)


def _report(
    talk: Talk, lines: list[str], fields: Mapping[str, object], *, kind: str = "memory"
) -> None:
    talk.view.report(Report(kind=kind, lines=lines, fields=fields))


def _nothing_more(rest: str) -> None:
    if rest:
        raise InvalidRequest("memory_usage", _USAGE)


def _something(rest: str) -> None:
    if not rest.strip():
        raise InvalidRequest("memory_usage", _USAGE)


_ACTIONS: Mapping[str, Callable[[Talk, str], Awaitable[None]]] = {
    "list": _list,
    "past": _past,
    "search": _search,
    "correct": _correct,
    "pin": _pin,
    "unpin": _unpin,
    "forget": _forget_fact,
    "hearsay": _hearsay,
    "export": _export,
    "privacy": choose_privacy,
}

MEMORY_COMMANDS = (
    SlashCommand(
        name="memory",
        argument="[list|past|search|correct|pin|unpin|forget|hearsay|export|privacy ...]",
        summary="See and correct what is remembered of you, and say whether it may be.",
        perform=_memory,
    ),
    SlashCommand(
        name="forget",
        argument="me|message|matching ...",
        summary="Have your words erased; you are asked before it happens.",
        perform=_forget,
    ),
)
