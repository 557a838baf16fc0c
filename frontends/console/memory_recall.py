"""Show what a question would remind a character of, and how it knows."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from frontends.console.card_text import write_text
from frontends.console.identity import conversation_here, person_here
from frontends.console.invocation import Invocation
from frontends.console.wording import one_line, printable
from services.domain.errors import InvalidRequest
from services.domain.ids import AuthorId

if TYPE_CHECKING:
    from services.conversation.reminding import Reminder

_MOST = 200
_WIDTH = 140


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the question, and who would ask whom where."""
    parser.add_argument("query", metavar="QUERY", help="what is asked")
    parser.add_argument(
        "--as", dest="account", metavar="PERSON", help="an account, as platform:user; else your own"
    )
    parser.add_argument("--in", dest="place", metavar="PLACE", help="the conversation asked in")
    parser.add_argument("--persona", metavar="NAME", help="who is asked; else the default one")
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="at most so many turns")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")


async def execute(call: Invocation) -> int:
    """Recall and print; waits until everything said is indexed."""
    from services.factory import opened_services  # noqa: PLC0415

    asked = call.arguments
    if not 1 <= asked.limit <= _MOST:
        raise InvalidRequest("recall_limit", f"--limit takes a number from 1 to {_MOST}.")
    account = AuthorId.parse(asked.account) if asked.account else person_here(call.settings).id
    conversation = conversation_here(call.settings, asked.place)
    async with opened_services(call.settings) as services:
        library = services.library()
        persona = library.find(asked.persona) if asked.persona else library.default()
        if call.settings.memory.enabled:
            await services.indexer().caught_up()
        found = await services.reminding().remind(
            asked.query,
            account=account,
            persona=persona.id,
            conversation=conversation,
            limit=asked.limit,
        )
    if asked.as_json:
        write_text(json.dumps(found.as_json()) + "\n")
    else:
        write_text(printable("".join(f"{line}\n" for line in reminder_lines(found))))
    return 0


def reminder_lines(found: Reminder) -> list[str]:
    """Return what comes to mind for reading."""
    from services.conversation.recollection import where  # noqa: PLC0415

    lines = [
        *(
            f"{turn.said_at:%Y-%m-%d %H:%M}  {turn.speaker}: {one_line(turn.text, longest=_WIDTH)}"
            for turn in found.turns
        ),
        *(f"Known: {one_line(fact.text, longest=_WIDTH)}" for fact in found.known.facts),
        *(f"Earlier: {one_line(each.text, longest=_WIDTH)}" for each in found.summaries),
        *(f"{where(each)}: {one_line(each.text, longest=_WIDTH)}" for each in found.passages),
    ]
    return lines or ["Nothing comes to mind."]
