"""Everything of one person, to take away."""

from __future__ import annotations

from sqlalchemy import Connection, select

from services.domain.ids import AuthorId, PersonId
from services.memory.rights import rows as rows
from services.storage.tables import (
    accounts,
    attachments,
    messages,
    roles,
    scoped_settings,
    user_personas,
)

FORMAT = "acore.memory"
VERSION = 1

_BATCH = 1000


def accounts_of(connection: Connection, person: PersonId) -> list[AuthorId]:
    """Return all accounts of a person."""
    query = select(accounts.c.platform, accounts.c.user).where(accounts.c.person_id == person)
    return [AuthorId(row[0], row[1]) for row in connection.execute(query)]


def exported(connection: Connection, person: PersonId) -> dict[str, object]:
    """Return what a person said, told, chose and is called, as JSON values; nobody else's words."""
    listed = list(map(str, accounts_of(connection, person)))
    found = rows.overview(connection, person)
    return {
        "format": FORMAT,
        "version": VERSION,
        "profile": rows.profile_of(connection, person),
        "counts": found.as_json(),
        "facts": [
            fact.as_json()
            for fact in rows.facts_told(connection, person, past=True, limit=1_000_000)
        ],
        "affections": {one.persona: one.value for one in found.affections},
        "personas": [
            {"account": row[0], "name": row[1], "description": row[2]}
            for row in connection.execute(
                select(
                    user_personas.c.account, user_personas.c.name, user_personas.c.description
                ).where(user_personas.c.account.in_(listed))
            )
        ],
        "settings": {
            row[0]: row[1]
            for row in connection.execute(
                select(scoped_settings.c.key, scoped_settings.c.value).where(
                    scoped_settings.c.scope == "user", scoped_settings.c.scope_id == person
                )
            )
        },
        "roles": [
            {"scope": row[0], "place": row[1], "role": row[2]}
            for row in connection.execute(
                select(roles.c.scope, roles.c.scope_id, roles.c.role).where(
                    roles.c.account.in_(listed)
                )
            )
        ],
        "attachments": [
            {"message": row[0], "name": row[1], "media_type": row[2], "sha256": row[3]}
            for row in connection.execute(
                select(
                    attachments.c.message_id,
                    attachments.c.name,
                    attachments.c.media_type,
                    attachments.c.sha256,
                )
                .join(messages, messages.c.id == attachments.c.message_id)
                .where(messages.c.person_id == person, messages.c.deleted_at.is_(None))
                .order_by(attachments.c.id)
            )
        ],
        "messages": _messages(connection, person),
    }


def _messages(connection: Connection, person: PersonId) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = []
    after = ""
    while True:
        part = rows.turns_of(connection, person, after=after, limit=_BATCH)
        listed += [turn.as_json() for turn in part]
        if len(part) < _BATCH:
            return listed
        after = part[-1].id
