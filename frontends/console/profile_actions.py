"""Commands about what is known of the person, and how close characters are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontends.console.memory_rights import fact_line
from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from frontends.console.wording import one_line
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import PersonaId
from services.memory.learning.affection import stage
from services.memory.rights.rows import Overview
from services.memory.rights.service import Requester

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_USAGE = "Write /proposals, /proposals yes NUMBER or /proposals no NUMBER."
_WIDTH = 200
_NOTHING = Overview(messages=0, facts=0, past_facts=0, told_by_others=0, summaries=0, affections=())


async def _profile(talk: Talk, _argument: str) -> None:
    requester = Requester(account=talk.author.id, role=talk.role)
    try:
        overview = await talk.memory_rights.overview(requester)
        facts = await talk.memory_rights.facts(requester)
    except NotFound:
        overview, facts = _NOTHING, ()
    zone = await talk.timezones.of(talk.author.id)
    personas = [one.name for one in (await talk.user_personas.profile(talk.author.id)).personas]
    closeness = {}
    for one in overview.affections:
        persona = talk.library.get(PersonaId(one.persona))
        if persona is not None:
            closeness[persona.name] = {"affection": one.value, "stage": stage(one.value).value}
    lines = [
        f"{talk.author.display_name}: {overview.messages} messages, {overview.facts} facts",
        f"Time zone: {zone or 'not chosen'}; personas: {', '.join(personas) or 'none'}",
        *(f"{name}: {one['stage']} ({one['affection']})" for name, one in closeness.items()),
        *map(fact_line, facts),
    ]
    fields = overview.as_json() | {
        "timezone": zone,
        "personas": personas,
        "closeness": closeness,
        "known": [fact.as_json() for fact in facts],
    }
    talk.view.report(Report(kind="profile", lines=lines, fields=fields))


async def _relationship(talk: Talk, name: str) -> None:
    here = await talk.conversations.persona_of(talk.conversation)
    persona = talk.library.find(name) if name else here
    found = await talk.relationships.of(talk.author.id, persona.id)
    lines = [f"{persona.name}: {found.stage.value}", f"{found.bar} {found.value} of 100"]
    if found.changed_at is not None:
        lines.append(f"Last talk: {found.changed:+d}, {found.changed_at:%Y-%m-%d}")
    fields = {"character": persona.name} | found.as_json()
    talk.view.report(Report(kind="relationship", lines=lines, fields=fields))


async def _proposals(talk: Talk, argument: str) -> None:
    word, _, number = argument.partition(" ")
    if word and (word not in {"yes", "no"} or not number.isdecimal() or len(number) > 9):
        raise InvalidRequest("proposals_usage", _USAGE)
    if word == "yes":
        await talk.proposals.accept(int(number), by=talk.author)
    elif word == "no":
        await talk.proposals.decline(int(number), by=talk.author)
    found = await talk.proposals.waiting(by=talk.author)
    lines = [f"{one.number}. {one_line(one.text, longest=_WIDTH)} ({one.by_name})" for one in found]
    fields = {"proposals": [one.as_json() for one in found]}
    talk.view.report(Report(kind="proposals", lines=lines or ["Nothing waits."], fields=fields))


PROFILE_COMMANDS = (
    SlashCommand(name="profile", summary="See what characters know of you.", perform=_profile),
    SlashCommand(
        name="relationship",
        argument="[CHARACTER]",
        choices="personas",
        summary="See how close a character feels to you.",
        perform=_relationship,
    ),
    SlashCommand(
        name="proposals",
        argument="[yes NUMBER|no NUMBER]",
        summary="See what others would have remembered of you, and say yes or no.",
        perform=_proposals,
    ),
)
