"""Commands about what characters are reminded of, and how far that may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from frontends.console.memory_recall import reminder_lines
from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from frontends.console.wording import printable
from services.domain.errors import InvalidRequest
from services.people.privacy import PrivacyChoices, Reach

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_TURNS = 10
_SWITCHES = {"on": True, "off": False}
_USAGE = (
    "Write /memory privacy, /memory privacy learn on|off, recall on|off, or reach "
    "here|guild|everywhere."
)


async def choose_privacy(talk: Talk, argument: str) -> None:
    """Change what the person chose, if something is named, and show what holds."""
    choice = argument.lower().split()
    match choice:
        case []:
            pass
        case ["learn", ("on" | "off") as switch]:
            await talk.privacy.choose(talk.author.id, learn=_SWITCHES[switch])
        case ["recall", ("on" | "off") as switch]:
            await talk.privacy.choose(talk.author.id, recall=_SWITCHES[switch])
        case ["reach", reach] if reach in get_args(Reach):
            await talk.privacy.choose(talk.author.id, reach=reach)  # type: ignore[arg-type]
        case _:
            raise InvalidRequest("privacy_usage", _USAGE)
    held = await talk.privacy.chosen_by(talk.author.id)
    fields = {"learn": held.learn, "recall": held.recall, "reach": held.reach}
    talk.view.report(Report(kind="privacy", lines=_lines(held), fields=fields))


async def _recall(talk: Talk, question: str) -> None:
    persona = await talk.conversations.persona_of(talk.conversation)
    found = await talk.reminding.remind(
        question,
        account=talk.author.id,
        persona=persona.id,
        conversation=talk.conversation,
        limit=_TURNS,
    )
    lines = [printable(line) for line in reminder_lines(found)]
    talk.view.report(Report(kind="recall", lines=lines, fields=found.as_json()))


def _lines(held: PrivacyChoices) -> list[str]:
    learn = "Facts are" if held.learn else "Nothing is"
    recall = "are reminded" if held.recall else "are not reminded"
    reach = held.reach or "as far as this installation says"
    return [
        f"{learn} learnt from what you say (learn {_word(held.learn)}).",
        f"Characters {recall} of what you said earlier (recall {_word(held.recall)}).",
        f"How far your words may be recalled to you: {reach} (reach).",
    ]


def _word(switch: bool) -> str:  # noqa: FBT001  what is worded
    return "on" if switch else "off"


RECALL_COMMANDS = (
    SlashCommand(
        name="recall",
        argument="QUESTION",
        summary="Show what a question would remind the character of, and how it knows.",
        perform=_recall,
    ),
)
