"""Commands about the lorebooks that hold in a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_USAGE = "Write /lore list, /lore add NAME [here|always] or /lore remove NAME."
_PLACES = {"here": False, "always": True}


async def _lore(talk: Talk, argument: str) -> None:
    word, _, rest = argument.strip().partition(" ")
    rest = rest.strip()
    match word.lower() or "list":
        case "list" if not rest:
            pass
        case "add" if rest:
            name, _, place = rest.rpartition(" ")
            if not name or place not in _PLACES:
                name, place = rest, "here"
            await talk.lorebooks.add(
                talk.conversation,
                name.strip(),
                by=talk.author,
                role=talk.role,
                always=_PLACES[place],
                private=True,
            )
        case "remove" if rest:
            await talk.lorebooks.remove(
                talk.conversation, rest, by=talk.author, role=talk.role, private=True
            )
        case _:
            raise InvalidRequest("lore_usage", _USAGE)
    await _show(talk)


async def _show(talk: Talk) -> None:
    marks = await talk.lorebooks.overview(talk.conversation, by=talk.author)
    lines = [
        f"Here: {', '.join(marks.here) or 'none'}.",
        f"Always with you: {', '.join(marks.always) or 'none'}.",
        f"There are: {', '.join(marks.known) or 'none; put books into data/lorebooks'}.",
    ]
    fields = {"here": marks.here, "always": marks.always, "known": marks.known}
    talk.view.report(Report(kind="lore", lines=lines, fields=fields))


LORE_COMMANDS = (
    SlashCommand(
        name="lore",
        argument="[list|add NAME [here|always]|remove NAME]",
        summary="Show or change the lorebooks that hold here.",
        perform=_lore,
    ),
)
