"""Who may be reminded of what: the one place that decides it, as conditions on SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    exists,
    false,
    func,
    or_,
    select,
    true,
    type_coerce,
)

from services.domain.ids import AuthorId, ConversationId, PersonaId, PersonId
from services.storage.tables import audiences, roster_members, scoped_settings, turns

PLACE_REACH = "memory.place_reach"
"""The key of what a place chose; a channel or guild with ``HERE`` keeps its talk to itself."""
LEARN, RECALL = "memory.learn", "memory.recall"
"""The keys of what a person chose: whether their words teach anything, and whether they return."""

_PLACES_OF_THEIR_OWN = frozenset({"dm", "room"})


class Reach(StrEnum):
    """How far what somebody said may be recalled to them."""

    HERE = "here"
    GUILD = "guild"
    EVERYWHERE = "everywhere"


class Kind(StrEnum):
    """What can be recalled."""

    TURN = "turn"
    FACT = "fact"
    SUMMARY = "summary"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who would be reminded, and where.

    ``person`` and ``accounts`` are of the one who is answered, none for talk that a character
    starts by itself. ``shared`` lets a character recall what was said to others. ``categories``
    are the documents the character may read.
    """

    persona: PersonaId
    conversation: ConversationId
    person: PersonId | None = None
    accounts: tuple[AuthorId, ...] = ()
    reach: Reach = Reach.GUILD
    shared: bool = False
    categories: tuple[str, ...] = ()


def place_of(conversation: ConversationId) -> str:
    """Return where memories of a conversation belong: its guild, or itself if it is private."""
    if conversation.scope in _PLACES_OF_THEIR_OWN:
        return str(conversation)
    return f"{conversation.platform}:{conversation.scope}"


def allowed(viewer: Viewer, *kinds: Kind) -> ColumnElement[bool]:
    """Return the condition on ``audiences`` that holds for what ``viewer`` may be reminded of.

    Of what was said: only what the character witnessed, or what was said in the open, where no
    witness among characters is noted, here or in a conversation in which it has spoken too; of
    other conversations only what the person was there for, within the reach; private words only to
    their witnesses, where they were said. Of facts: those the person told, of the same character
    and place; where the reach is ``HERE`` the caller also asks for ``facts.conversation_id``. Of
    documents: the character's categories.
    """
    return or_(
        false(),
        *(
            and_(audiences.c.kind == kind.value, _CONDITIONS[kind](viewer))
            for kind in kinds or Kind
        ),
    )


def _said(viewer: Viewer) -> ColumnElement[bool]:
    here = audiences.c.conversation_id == str(viewer.conversation)
    was_there = _among("account", *map(str, viewer.accounts))
    no_persona = ~exists(
        select(roster_members.c.member).where(
            roster_members.c.roster_id == audiences.c.roster_id, roster_members.c.kind == "persona"
        )
    )
    heard: ColumnElement[bool] = true()
    if not viewer.shared:
        in_the_open = and_(no_persona, or_(here, _takes_part(viewer)))
        heard = or_(_among("persona", viewer.persona), in_the_open)
    open_here = and_(here, or_(audiences.c.visibility == "shared", was_there))
    elsewhere = and_(
        _in_reach(viewer), audiences.c.visibility == "shared", was_there, ~_kept_inside()
    )
    return and_(heard, or_(open_here, elsewhere))


def _summed_up(viewer: Viewer) -> ColumnElement[bool]:
    return and_(
        audiences.c.conversation_id == str(viewer.conversation),
        audiences.c.persona_id == viewer.persona,
    )


def _learnt(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.person is None:
        return false()
    mine = audiences.c.person_id == viewer.person
    known = true() if viewer.shared else audiences.c.persona_id == viewer.persona
    if viewer.reach is Reach.EVERYWHERE:
        return and_(mine, known)
    return and_(mine, known, audiences.c.place == place_of(viewer.conversation))


def _readable(viewer: Viewer) -> ColumnElement[bool]:
    return audiences.c.category.in_(viewer.categories)


def _in_reach(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.reach is Reach.EVERYWHERE:
        return true()
    if viewer.reach is Reach.GUILD:
        return audiences.c.place == place_of(viewer.conversation)
    return audiences.c.conversation_id == str(viewer.conversation)


def _takes_part(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition that the character has spoken in the conversation."""
    return exists(
        select(turns.c.id).where(
            turns.c.conversation_id == audiences.c.conversation_id,
            turns.c.persona_id == viewer.persona,
        )
    )


def _kept_inside() -> ColumnElement[bool]:
    """Say whether the place where something was said keeps its talk to itself."""
    return kept_inside(audiences.c.conversation_id, audiences.c.place)


def kept_inside(
    conversation: ColumnElement[str | None], place: ColumnElement[str | None]
) -> ColumnElement[bool]:
    """Return the condition that a conversation, or its guild, keeps its talk to itself.

    A thread does where its channel does; its id is the channel's, a colon and more.
    """
    chosen = scoped_settings.c
    channel = func.substr(conversation, 1, func.length(chosen.scope_id) + 1)
    return exists(
        select(chosen.key).where(
            chosen.key == PLACE_REACH,
            type_coerce(chosen.value, String) == json.dumps(Reach.HERE.value),
            or_(
                and_(
                    chosen.scope == "channel",
                    or_(chosen.scope_id == conversation, channel == chosen.scope_id + ":"),
                ),
                and_(chosen.scope == "guild", chosen.scope_id == place),
            ),
        )
    )


def learning_refused(person: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Return the condition that a person does not want anything learnt from what they say."""
    return _declined(LEARN, person)


def recall_refused(person: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Return the condition that a person does not want anybody reminded of what they said."""
    return _declined(RECALL, person)


def _declined(key: str, person: ColumnElement[str | None]) -> ColumnElement[bool]:
    chosen = scoped_settings.c
    return exists(
        select(chosen.key).where(
            chosen.key == key,
            chosen.scope == "user",
            chosen.scope_id == person,
            type_coerce(chosen.value, String) == json.dumps(False),
        )
    )


def _among(kind: str, *members: str) -> ColumnElement[bool]:
    return exists(
        select(roster_members.c.member).where(
            roster_members.c.roster_id == audiences.c.roster_id,
            roster_members.c.kind == kind,
            roster_members.c.member.in_(members),
        )
    )


_CONDITIONS: Mapping[Kind, Callable[[Viewer], ColumnElement[bool]]] = {
    Kind.TURN: _said,
    Kind.SUMMARY: _summed_up,
    Kind.FACT: _learnt,
    Kind.PASSAGE: _readable,
}
