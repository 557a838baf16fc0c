"""Taking the words of somebody out of the database, inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from services.domain.ids import ConversationId, IdSource
from services.memory.forgetting.rows import NOBODY, Target, Text, member_of
from services.memory.recollections import Audience, Dropped, remove
from services.memory.scope import Kind
from services.storage.tables import (
    accounts,
    affections,
    attachments,
    audiences,
    conversation_states,
    conversations,
    external_ids,
    facts,
    lessons,
    link_codes,
    messages,
    pending_actions,
    people,
    recollections,
    roles,
    roster_members,
    rosters,
    scoped_settings,
    summaries,
    turns,
    user_persona_bindings,
    user_personas,
)

_BLOCK = -1
_BATCH = 200


def put_text(
    connection: Connection, message: str, *, old: Text, written: str, heard: str | None
) -> bool:
    """Put redacted words in place, unless they have been changed meanwhile."""
    changed = connection.execute(
        update(messages)
        .where(messages.c.id == message, messages.c.written == old.written)
        .values(written=written, heard=heard)
    )
    return bool(changed.rowcount)


def drop_mentions(connection: Connection, target: Target, *, limit: int = 1000) -> int:
    """Take the person out of the mentions of others' messages; return how many were changed."""
    names = target.names
    mentioned = or_(
        false(), *(func.instr(messages.c.mentions, json.dumps(name)) > 0 for name in sorted(names))
    )
    rows = connection.execute(
        select(messages.c.id, messages.c.mentions)
        .where(messages.c.mentions.is_not(None), mentioned)
        .limit(limit)
    ).all()
    for message, noted in rows:
        kept = [name for name in noted if name not in names]
        connection.execute(
            update(messages).where(messages.c.id == message).values(mentions=kept or None)
        )
    return len(rows)


def erase_messages(
    connection: Connection, gone: Sequence[str], *, at: datetime, anonymous: bool
) -> dict[str, int]:
    """Leave of messages only their places in the tree; return how many things went, by kind.

    With ``anonymous`` nothing says any more who wrote them.
    """
    values: dict[str, object] = {
        "written": "",
        "heard": None,
        "mentions": None,
        "edited_at": None,
        "deleted_at": func.coalesce(messages.c.deleted_at, at),
    }
    if anonymous:
        values |= {
            "author_platform": NOBODY.platform,
            "author_user": NOBODY.user,
            "author_name": "",
            "person_id": None,
            "persona_id": None,
        }
    changed = connection.execute(update(messages).where(messages.c.id.in_(gone)).values(**values))
    counts = {
        "messages": changed.rowcount,
        "attachments": _deleted(connection, attachments, attachments.c.message_id.in_(gone)),
        "external_ids": _deleted(connection, external_ids, external_ids.c.message_id.in_(gone)),
        "lessons": _deleted(connection, lessons, lessons.c.message_id.in_(gone)),
    }
    connection.execute(
        update(turns)
        .where(or_(turns.c.trigger_message_id.in_(gone), turns.c.reply_message_id.in_(gone)))
        .values(why=None, delivered="")
    )
    counts["actions"] = _deleted(
        connection,
        pending_actions,
        pending_actions.c.turn_id.in_(
            select(turns.c.id).where(turns.c.trigger_message_id.in_(gone))
        ),
    )
    return counts


def drop_facts(connection: Connection, gone: Sequence[str]) -> list[Dropped]:
    """Delete facts and how to recall them; return rows for ``Indexer.dropped``."""
    connection.execute(
        update(facts).where(facts.c.superseded_by.in_(gone)).values(superseded_by=None)
    )
    _deleted(connection, facts, facts.c.id.in_(gone))
    return remove(connection, kind=Kind.FACT, refs=gone)


def drop_summaries(connection: Connection, gone: Sequence[str]) -> list[Dropped]:
    """Delete summaries and how to recall them; return rows for ``Indexer.dropped``."""
    _deleted(connection, summaries, summaries.c.id.in_(gone))
    return remove(connection, kind=Kind.SUMMARY, refs=gone)


def close_own(connection: Connection, target: Target) -> dict[str, int]:
    """Empty what belonged to conversations that were the person's alone, and begin them anew."""
    if not target.own:
        return {}
    own = target.own
    connection.execute(
        update(messages)
        .where(messages.c.conversation_id.in_(own), messages.c.parent_id.is_(None))
        .values(active=False)
    )
    connection.execute(
        update(conversations)
        .where(conversations.c.id.in_(own))
        .values(title=None, head_message_id=None)
    )
    connection.execute(
        update(turns).where(turns.c.conversation_id.in_(own)).values(why=None, delivered="")
    )
    _deleted(connection, pending_actions, pending_actions.c.conversation_id.in_(own))
    return {
        "states": _deleted(
            connection, conversation_states, conversation_states.c.conversation_id.in_(own)
        ),
    }


def leave_rosters(connection: Connection, target: Target, ids: IdSource) -> int:
    """Take the person out of the groups that were present, which get new names.

    A group's name is a digest of its members: under the old one the person would be missing from
    groups they are in again later.
    """
    old = connection.execute(
        select(rosters.c.id, rosters.c.conversation_id).where(
            rosters.c.id.in_(
                select(roster_members.c.roster_id).where(member_of(target)).limit(_BATCH)
            )
        )
    ).all()
    for roster, conversation in old:
        new = f"forgotten-{ids.new()}"
        connection.execute(insert(rosters).values(id=new, conversation_id=conversation, digest=new))
        _deleted(
            connection,
            roster_members,
            and_(roster_members.c.roster_id == roster, member_of(target)),
        )
        for table in (messages, roster_members):
            connection.execute(
                update(table).where(table.c.roster_id == roster).values(roster_id=new)
            )
        _rename_audiences(connection, roster, new)
        connection.execute(delete(rosters).where(rosters.c.id == roster))
    return len(old)


def close_profile(connection: Connection, target: Target) -> dict[str, int]:
    """Delete who the person was; blocks stay, or being forgotten would lift them."""
    names = target.names
    counts = {
        "affections": _deleted(connection, affections, affections.c.person_id == target.person),
        "settings": _deleted(
            connection,
            scoped_settings,
            and_(scoped_settings.c.scope == "user", scoped_settings.c.scope_id == target.person),
        ),
        "roles": _deleted(
            connection, roles, and_(roles.c.account.in_(names), roles.c.role != _BLOCK)
        ),
        "actions": _deleted(
            connection,
            pending_actions,
            or_(pending_actions.c.requested_by.in_(names), pending_actions.c.decided_by.in_(names)),
        ),
        "codes": _deleted(
            connection,
            link_codes,
            or_(link_codes.c.account.in_(names), link_codes.c.claimed_by.in_(names)),
        ),
    }
    _deleted(connection, user_persona_bindings, user_persona_bindings.c.account.in_(names))
    counts["personas"] = _deleted(connection, user_personas, user_personas.c.account.in_(names))
    connection.execute(
        update(scoped_settings)
        .where(scoped_settings.c.updated_by.in_(names))
        .values(updated_by=None)
    )
    _drop_audiences(connection, target)
    counts["accounts"] = _deleted(connection, accounts, accounts.c.person_id == target.person)
    _deleted(connection, people, people.c.id == target.person)
    return counts


def _rename_audiences(connection: Connection, roster: str, new: str) -> None:
    found = connection.execute(select(audiences).where(audiences.c.roster_id == roster))
    for row in found.mappings().all():
        place = row["conversation_id"]
        renamed = Audience(
            kind=Kind(row["kind"]),
            place=row["place"],
            conversation=None if place is None else ConversationId.parse(place),
            roster=new,
            visibility=row["visibility"],
            persona=row["persona_id"],
            person=row["person_id"],
            category=row["category"],
        )
        connection.execute(
            update(audiences)
            .where(audiences.c.id == row["id"])
            .values(roster_id=new, key=renamed.key)
        )


def _drop_audiences(connection: Connection, target: Target) -> None:
    used = select(facts.c.audience_id).union(select(recollections.c.audience_id))
    _deleted(
        connection,
        audiences,
        and_(audiences.c.person_id == target.person, audiences.c.id.not_in(used)),
    )


def _deleted(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(delete(table).where(condition)).rowcount)
