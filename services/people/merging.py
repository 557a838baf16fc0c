"""Making two people one: everything of the second becomes the first's."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from services.domain.ids import PersonId
from services.storage.tables import (
    accounts,
    affections,
    audiences,
    facts,
    messages,
    people,
    recollections,
    scoped_settings,
)


def merge_people(connection: Connection, kept: PersonId, merged: PersonId) -> None:
    """Join ``merged`` to ``kept``; where both chose a setting, that of ``kept`` holds.

    A character feels for both what it felt for the one it liked better. What both told counts once.
    """
    for table in (accounts, messages, recollections):
        connection.execute(update(table).where(table.c.person_id == merged).values(person_id=kept))
    for column in (facts.c.person_id, facts.c.teller_id):
        connection.execute(update(facts).where(column == merged).values({column.name: kept}))
    _join_audiences(connection, kept, merged)
    _join_affections(connection, kept, merged)
    theirs = (scoped_settings.c.scope == "user") & (scoped_settings.c.scope_id == merged)
    connection.execute(
        update(scoped_settings).prefix_with("OR IGNORE").where(theirs).values(scope_id=kept)
    )
    connection.execute(delete(scoped_settings).where(theirs))
    connection.execute(delete(people).where(people.c.id == merged))


def _join_audiences(connection: Connection, kept: PersonId, merged: PersonId) -> None:
    rows = connection.execute(
        select(audiences.c.id, audiences.c.key).where(audiences.c.person_id == merged)
    ).all()
    for old, key in rows:
        joined = key.replace(f'"{merged}"', f'"{kept}"')
        same = connection.execute(
            select(audiences.c.id).where(audiences.c.key == joined)
        ).scalar_one_or_none()
        if same is None:
            connection.execute(
                update(audiences).where(audiences.c.id == old).values(key=joined, person_id=kept)
            )
            continue
        _close_doubles(connection, old, same)
        for table in (facts, recollections):
            connection.execute(
                update(table).where(table.c.audience_id == old).values(audience_id=same)
            )
        connection.execute(delete(audiences).where(audiences.c.id == old))


def _close_doubles(connection: Connection, old: int, same: int) -> None:
    """Close the facts of ``old`` that stand among those of ``same`` as well."""
    standing = facts.alias()
    connection.execute(
        update(facts)
        .where(
            facts.c.audience_id == old,
            facts.c.valid_to.is_(None),
            facts.c.digest.in_(
                select(standing.c.digest).where(
                    standing.c.audience_id == same, standing.c.valid_to.is_(None)
                )
            ),
        )
        .values(valid_to=facts.c.valid_from)
    )


def _join_affections(connection: Connection, kept: PersonId, merged: PersonId) -> None:
    theirs = connection.execute(
        select(affections).where(affections.c.person_id == merged)
    ).mappings()
    for row in theirs.all():
        mine = connection.execute(
            select(affections.c.value).where(
                affections.c.person_id == kept, affections.c.persona_id == row["persona_id"]
            )
        ).scalar_one_or_none()
        here = (affections.c.persona_id == row["persona_id"]) & (affections.c.person_id == merged)
        if mine is not None and mine >= row["value"]:
            connection.execute(delete(affections).where(here))
            continue
        if mine is not None:
            connection.execute(
                delete(affections).where(
                    affections.c.person_id == kept,
                    affections.c.persona_id == row["persona_id"],
                )
            )
        connection.execute(update(affections).where(here).values(person_id=kept))
