"""What the chat's commands do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from frontends.console.code_actions import CODE_COMMANDS
from frontends.console.game_actions import GAME_COMMANDS
from frontends.console.image_actions import IMAGE_COMMANDS
from frontends.console.link_actions import LINK_COMMANDS
from frontends.console.list_actions import LIST_COMMANDS
from frontends.console.lore_actions import LORE_COMMANDS
from frontends.console.mcp_actions import MCP_COMMANDS
from frontends.console.memory_actions import MEMORY_COMMANDS
from frontends.console.note_actions import NOTE_COMMANDS
from frontends.console.people_actions import PEOPLE_COMMANDS
from frontends.console.place_actions import PLACE_COMMANDS
from frontends.console.profile_actions import PROFILE_COMMANDS
from frontends.console.project_actions import PROJECT_COMMANDS
from frontends.console.recall_actions import RECALL_COMMANDS
from frontends.console.reminder_actions import REMINDER_COMMANDS
from frontends.console.rendering import entry_fields
from frontends.console.scene_actions import SCENE_COMMANDS
from frontends.console.search_actions import SEARCH_COMMANDS
from frontends.console.slash import SlashCommand
from frontends.console.tool_actions import TOOL_COMMANDS
from frontends.console.views import Report, spoken
from frontends.console.wording import one_line
from services.conversation.inbound import Receipt
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import ActionId
from services.domain.messages import HistoryEntry

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_SHOWN_ENTRIES = 20
_SHOWN_WIDTH = 200
_DIRECTIONS = {"": 1, "right": 1, "left": -1}
_DEFAULT_MODEL = "default"


async def _persona(talk: Talk, name: str) -> None:
    if name:
        await talk.choose_persona(name)
    persona = await talk.conversations.persona_of(talk.conversation)
    others = [known.slug for known in talk.library.all()]
    line = f"{persona.name} answers here."
    if not name:
        line += f" There are: {', '.join(others)}."
    fields = {"persona": persona.id, "name": persona.name, "slug": persona.slug, "known": others}
    talk.view.report(Report(kind="persona", lines=[line], fields=fields))


async def _model(talk: Talk, name: str) -> None:
    if name:
        chosen = None if name == _DEFAULT_MODEL else name
        await talk.conversations.choose_model(
            talk.conversation, chosen, by=talk.author, role=talk.role
        )
    model = await talk.conversations.model_of(talk.conversation)
    lines = [f"{model} answers here." if model else talk.models.describe()]
    known: list[str] = []
    if not name:
        known = [listing.name for listing in await talk.models.available()]
        lines.append(f"There are: {', '.join(known) or 'none'}; /model default goes back.")
    talk.view.report(
        Report(kind="model", lines=lines, fields={"model": model, "known": known or None})
    )


async def _regenerate(talk: Talk, _argument: str) -> None:
    await talk.conclude(
        await talk.conversations.regenerate(
            talk.conversation, talk.delivery(), by=talk.author, role=talk.role
        )
    )


async def _swipe(talk: Talk, direction: str) -> None:
    step = _DIRECTIONS.get(direction.lower())
    if step is None:
        raise InvalidRequest("swipe_direction", "Write /swipe left or /swipe right.")
    swiped = await talk.conversations.swipe(
        talk.conversation, step, talk.delivery(), by=talk.author, role=talk.role
    )
    if isinstance(swiped, Receipt):
        await talk.conclude(swiped)
        return
    count = len(swiped.entries)
    entry = swiped.entries[swiped.active]
    [shown] = await talk.shown([entry])
    talk.view.report(
        spoken(
            "version",
            entry,
            shown,
            note=f"(version {swiped.active + 1} of {count})",
            index=swiped.active,
            count=count,
        )
    )


async def _continue(talk: Talk, _argument: str) -> None:
    await talk.conclude(
        await talk.conversations.continue_reply(
            talk.conversation, talk.delivery(), by=talk.author, role=talk.role
        )
    )


async def _edit(talk: Talk, text: str) -> None:
    entry = await talk.conversations.edit(talk.conversation, text, by=talk.author)
    talk.view.report(
        Report(
            kind="edited",
            lines=["Your last message is changed; /regen answers it anew."],
            fields=entry_fields(entry),
        )
    )


async def _undo(talk: Talk, _argument: str) -> None:
    entries = await talk.conversations.undo(talk.conversation, by=talk.author)
    lines = [f"Taken back: {line}" for line in await _lines(talk, entries)]
    talk.view.report(
        Report(
            kind="undone",
            lines=lines or ["There was nothing to take back."],
            fields={"entries": [entry_fields(entry) for entry in entries]},
        )
    )


async def _branch(talk: Talk, number: str) -> None:
    if not number.removeprefix("#").isdecimal():
        raise InvalidRequest("branch_number", "Write /branch and a number from /history.")
    at = int(number.removeprefix("#"))
    entry = await talk.conversations.branch(talk.conversation, at, by=talk.author)
    [line] = await _lines(talk, [entry])
    talk.view.report(
        Report(
            kind="branched",
            lines=[f"The talk goes on from #{entry.ordinal} {line}"],
            fields=entry_fields(entry),
        )
    )


async def _why(talk: Talk, _argument: str) -> None:
    explanation = await talk.conversations.why(talk.conversation)
    if explanation is None:
        raise NotFound("nothing_to_explain", "Nothing has been answered here yet.")
    talk.view.report(Report(kind="why", lines=explanation.lines(), fields=explanation.as_json()))


async def _history(talk: Talk, number: str) -> None:
    if number and not number.isdecimal():
        raise InvalidRequest("history_number", "Write /history and how many messages to show.")
    limit = max(1, int(number)) if number else _SHOWN_ENTRIES
    entries = await talk.conversations.recent(talk.conversation, limit)
    lines = await _lines(talk, entries)
    talk.view.report(
        Report(
            kind="history",
            lines=[f"#{entry.ordinal} {line}" for entry, line in zip(entries, lines, strict=True)]
            or ["Nothing has been said here yet."],
            fields={"entries": [entry_fields(entry) for entry in entries]},
        )
    )


async def _reset(talk: Talk, _argument: str) -> None:
    await talk.conversations.reset(talk.conversation, by=talk.author)
    talk.view.report(
        Report(
            kind="reset",
            lines=["The talk starts anew."],
            fields={"conversation": talk.conversation},
        )
    )
    await talk.greet()


async def _confirm(talk: Talk, action: str) -> None:
    await _decide(talk, action, approve=True)


async def _decline(talk: Talk, action: str) -> None:
    await _decide(talk, action, approve=False)


async def _decide(talk: Talk, action: str, *, approve: bool) -> None:
    asked = ActionId(action) if action else talk.pending
    if asked is None:
        raise NotFound("nothing_to_confirm", "Nothing waits for your answer.")
    talk.pending = None
    await talk.conclude(
        await talk.conversations.decide(
            asked, approve=approve, by=talk.author, role=talk.role, delivery=talk.delivery()
        )
    )


async def _help(talk: Talk, _argument: str) -> None:
    width = max(len(command.usage) for command in COMMANDS)
    talk.view.report(
        Report(
            kind="help",
            lines=[f"{command.usage:<{width}}  {command.summary}" for command in COMMANDS],
            fields={"commands": {command.usage: command.summary for command in COMMANDS}},
        )
    )


async def _quit(talk: Talk, _argument: str) -> None:
    talk.ended = True


async def _lines(talk: Talk, entries: Sequence[HistoryEntry]) -> list[str]:
    shown = await talk.shown(entries)
    return [
        f"{entry.message.author.display_name}: {one_line(text, longest=_SHOWN_WIDTH)}"
        for entry, text in zip(entries, shown, strict=True)
    ]


COMMANDS = (
    SlashCommand(
        name="persona",
        argument="[NAME]",
        choices="personas",
        summary="Choose who answers, or show who does.",
        perform=_persona,
    ),
    *SCENE_COMMANDS,
    *PEOPLE_COMMANDS,
    *MEMORY_COMMANDS,
    *RECALL_COMMANDS,
    *REMINDER_COMMANDS,
    *SEARCH_COMMANDS,
    *IMAGE_COMMANDS,
    *CODE_COMMANDS,
    *PROJECT_COMMANDS,
    *LINK_COMMANDS,
    *LORE_COMMANDS,
    *PLACE_COMMANDS,
    *TOOL_COMMANDS,
    *NOTE_COMMANDS,
    *LIST_COMMANDS,
    *GAME_COMMANDS,
    *PROFILE_COMMANDS,
    *MCP_COMMANDS,
    SlashCommand(
        name="model",
        argument="[NAME]",
        choices="models",
        summary="Choose the language model, or show which one is used.",
        perform=_model,
    ),
    SlashCommand(name="regen", summary="Have the last answer given anew.", perform=_regenerate),
    SlashCommand(
        name="swipe",
        argument="[left|right]",
        choices="directions",
        summary="Go through the versions of the last answer; past the last one, make another.",
        perform=_swipe,
    ),
    SlashCommand(name="continue", summary="Have the last answer continued.", perform=_continue),
    SlashCommand(name="edit", argument="TEXT", summary="Change your last message.", perform=_edit),
    SlashCommand(name="undo", summary="Take back the last exchange.", perform=_undo),
    SlashCommand(
        name="branch",
        argument="NUMBER",
        summary="Go on from an earlier message; /history shows the numbers.",
        perform=_branch,
    ),
    SlashCommand(name="why", summary="Show what led to the last answer.", perform=_why),
    SlashCommand(
        name="history", argument="[COUNT]", summary="Show the last messages.", perform=_history
    ),
    SlashCommand(name="reset", summary="Start the talk anew.", perform=_reset),
    SlashCommand(
        name="confirm",
        argument="[ID]",
        summary="Let a tool do what it asked for.",
        perform=_confirm,
    ),
    SlashCommand(
        name="decline",
        argument="[ID]",
        summary="Forbid what a tool asked for.",
        perform=_decline,
    ),
    SlashCommand(name="help", summary="Show this list.", perform=_help),
    SlashCommand(name="quit", summary="Leave.", perform=_quit),
)
"""Every command of the chat, in the order help shows them."""
