"""See, search, forget and take away what is remembered of somebody."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.card_files import refuse_taken, write_whole
from frontends.console.card_text import write_text
from frontends.console.identity import person_here
from frontends.console.invocation import CommandModule, Invocation
from frontends.console.wording import one_line, printable
from services.domain.errors import InvalidRequest
from services.domain.ids import AuthorId, MessageId
from services.domain.people import Role

if TYPE_CHECKING:
    from services.housekeeping.departures import Departures
    from services.memory.forgetting.receipts import Receipt
    from services.memory.rights.rows import FactView, TurnView
    from services.memory.rights.service import MemoryRights, Requester

_WIDTH = 100


class ListAction:
    """List what is remembered of somebody."""

    def configure(self, parser: argparse.ArgumentParser, /) -> None:
        """Add whose memories, and which."""
        _about(parser)
        parser.add_argument(
            "--past", action="store_true", help="also facts that do not hold any longer"
        )

    async def execute(self, call: Invocation, /) -> int:
        """Print the numbers and the facts."""
        from services.factory import opened_services  # noqa: PLC0415

        requester = _requester(call)
        async with opened_services(call.settings) as services:
            rights = services.memory_rights()
            overview = await rights.overview(requester)
            facts = await rights.facts(requester, past=call.arguments.past)
        found = overview.as_json() | {"known": [fact.as_json() for fact in facts]}
        lines = [f"{name.replace('_', ' ')}: {value}" for name, value in overview.as_json().items()]
        _print(call, found, [*lines, *map(fact_line, facts)])
        return 0


class SearchAction:
    """Search what somebody said and told."""

    def configure(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the query."""
        parser.add_argument("query", metavar="QUERY", help="words that all have to occur")
        parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many")
        _about(parser)

    async def execute(self, call: Invocation, /) -> int:
        """Print what is found."""
        from services.factory import opened_services  # noqa: PLC0415

        asked = call.arguments
        async with opened_services(call.settings) as services:
            found = await services.memory_rights().search(
                _requester(call), asked.query, limit=max(1, asked.limit)
            )
        lines = [*map(turn_line, found.turns), *map(fact_line, found.facts)]
        _print(call, found.as_json(), lines or ["Nothing was found."])
        return 0


class ForgetAction:
    """Forget one thing, everything that matches, or everything of somebody or of a server."""

    def configure(self, parser: argparse.ArgumentParser, /) -> None:
        """Add what is to be forgotten."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--everything", action="store_true", help="all there is of the person")
        what.add_argument("--fact", metavar="ID", help="one fact")
        what.add_argument("--message", metavar="ID", help="one message")
        what.add_argument("--matching", metavar="QUERY", help="messages and facts with all words")
        what.add_argument("--hearsay", action="store_true", help="what others told of the person")
        what.add_argument("--place", metavar="PLACE", help="all of a server, as platform:number")
        parser.add_argument("--yes", action="store_true", help="do it; without this, only say what")
        _about(parser)

    async def execute(self, call: Invocation, /) -> int:
        """Forget and print the receipt; 2 when something was found afterwards."""
        from services.factory import opened_services  # noqa: PLC0415

        async with opened_services(call.settings) as services:
            if call.arguments.place is not None:
                return await _forget_place(call, services.departures())
            rights, requester = services.memory_rights(), _requester(call)
            if not call.arguments.yes:
                return await _preview(call, rights, requester)
            receipt = await _forget(call, rights, requester)
        told = {"forgotten": True} if receipt is None else receipt.as_json()
        _print(call, told, ["It is forgotten."] if receipt is None else receipt.lines())
        return 0 if receipt is None or receipt.clean else 2


class ExportAction:
    """Write everything of somebody as JSON."""

    def configure(self, parser: argparse.ArgumentParser, /) -> None:
        """Add where to."""
        parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="new file")
        parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
        _about(parser)

    async def execute(self, call: Invocation, /) -> int:
        """Write the file, or print the JSON."""
        from services.factory import opened_services  # noqa: PLC0415

        out = call.arguments.out
        if out is not None:
            refuse_taken(out, force=call.arguments.force)
        async with opened_services(call.settings) as services:
            exported = await services.memory_rights().export(_requester(call))
        text = json.dumps(exported, ensure_ascii=False, indent=1) + "\n"
        if out is None:
            write_text(text)
        else:
            write_whole(out, text.encode("utf-8", "replace"))
        return 0


RIGHTS_ACTIONS: Mapping[str, CommandModule] = {
    "list": ListAction(),
    "search": SearchAction(),
    "forget": ForgetAction(),
    "export": ExportAction(),
}
"""What ``main.py memory`` offers about the memories of one person."""


def fact_line(fact: FactView) -> str:
    """Return a fact on one line, with what is needed to name it."""
    marks = [
        mark for mark, holds in (("pinned", fact.pinned), ("past", not fact.standing)) if holds
    ]
    told = f"{fact.origin}, {fact.since:%Y-%m-%d}"
    return f"{fact.id}  {one_line(fact.text, longest=_WIDTH)}  ({', '.join([told, *marks])})"


def turn_line(turn: TurnView) -> str:
    """Return a message on one line, with what is needed to name it."""
    return (
        f"{turn.id}  {turn.said_at:%Y-%m-%d %H:%M}  {turn.conversation} #{turn.ordinal}  "
        f"{one_line(turn.text, longest=_WIDTH)}"
    )


async def _forget_place(call: Invocation, departures: Departures) -> int:
    platform, colon, scope = call.arguments.place.partition(":")
    if not (platform and colon and scope) or ":" in scope:
        raise InvalidRequest("place", "A place looks like discord:123456789012345678.")
    if not call.arguments.yes:
        known = (await departures.known_of(platform, scope)).as_json()
        _print(call, known, [*(f"{name}: {count}" for name, count in known.items()), _HINT])
        return 0
    receipt = await departures.forget_now(platform, scope, role=Role.OWNER)
    _print(call, receipt.as_json(), receipt.lines())
    return 0 if receipt.clean else 2


async def _preview(call: Invocation, rights: MemoryRights, requester: Requester) -> int:
    asked = call.arguments
    if asked.matching is not None:
        found = await rights.preview(requester, asked.matching)
        lines = [*map(turn_line, found.turns), *map(fact_line, found.facts)]
        _print(call, found.as_json(), [*lines, _HINT])
        return 0
    overview = await rights.overview(requester)
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in overview.as_json().items()]
    _print(call, overview.as_json(), [*lines, _HINT])
    return 0


_HINT = "Nothing was changed; --yes does it, and it cannot be undone."


async def _forget(call: Invocation, rights: MemoryRights, requester: Requester) -> Receipt | None:
    asked = call.arguments
    if asked.everything:
        return await rights.forget_me(requester)
    if asked.message is not None:
        return await rights.forget_message(requester, MessageId(asked.message))
    if asked.matching is not None:
        found = await rights.preview(requester, asked.matching)
        return await rights.forget_matching(requester, asked.matching, expected=found.count)
    if asked.hearsay:
        await rights.forget_hearsay(requester)
    else:
        await rights.forget_fact(requester, asked.fact)
    return None


def _about(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as", dest="account", metavar="ACCOUNT", help="whose, as platform:user; else your own"
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")


def _requester(call: Invocation) -> Requester:
    from services.memory.rights.service import Requester  # noqa: PLC0415

    own = person_here(call.settings).id
    named = call.arguments.account
    about = None if named is None else AuthorId.parse(named)
    return Requester(account=own, role=Role.OWNER, about=about)


def _print(call: Invocation, fields: object, lines: Sequence[str]) -> None:
    if call.arguments.as_json:
        sys.stdout.write(json.dumps(fields) + "\n")
        return
    write_text("".join(f"{printable(line)}\n" for line in lines))
