"""What the database knows of a place, and taking it out, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    false,
    func,
    or_,
    select,
    update,
)

from services.domain.ids import AuthorId
from services.memory.forgetting.erasing_rows import close_profile
from services.memory.forgetting.rows import Target, conversations_in
from services.memory.recollections import Dropped, forget_rows
from services.storage.tables import (
    accounts,
    affections,
    attachments,
    audiences,
    conversation_states,
    conversations,
    departures,
    external_ids,
    facts,
    lessons,
    link_codes,
    messages,
    pending_actions,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOverview:
    """How much is known of a place: rows by kind, ``kept`` those of other services."""

    conversations: int
    messages: int
    facts: int
    summaries: int
    settings: int
    roles: int
    kept: int = 0

    def as_json(self) -> dict[str, int]:
        """Return the numbers as JSON values."""
        return {
            "conversations": self.conversations,
            "messages": self.messages,
            "facts": self.facts,
            "summaries": self.summaries,
            "settings": self.settings,
            "roles": self.roles,
            "kept": self.kept,
        }

    @property
    def empty(self) -> bool:
        """Whether nothing is known."""
        return not any(self.as_json().values())


def overview(connection: Connection, place: str) -> PlaceOverview:
    """Return how much is known of a place."""
    here = conversations_in(place)
    return PlaceOverview(
        conversations=_count(connection, conversations.c.id, conversations.c.id.in_(here)),
        messages=_count(
            connection,
            messages.c.id,
            and_(messages.c.conversation_id.in_(here), messages.c.deleted_at.is_(None)),
        ),
        facts=_count(connection, facts.c.id, _learnt_in(place)),
        summaries=_count(connection, summaries.c.id, summaries.c.conversation_id.in_(here)),
        settings=_count(connection, scoped_settings.c.key, _chosen_in(place, scoped_settings)),
        roles=_count(connection, roles.c.account, _chosen_in(place, roles)),
    )


def find_place(connection: Connection, place: str) -> Target | None:
    """Return everything that belongs to a place; ``None`` for one of which nothing is known."""
    if overview(connection, place).empty:
        return None
    here = conversations_in(place)
    wrote = select(messages.c.person_id).where(
        messages.c.conversation_id.in_(here), messages.c.person_id.is_not(None)
    )
    member = accounts.c.platform + ":" + accounts.c.user
    present = (
        select(accounts.c.person_id)
        .join(
            roster_members,
            and_(roster_members.c.kind == "account", roster_members.c.member == member),
        )
        .join(rosters, rosters.c.id == roster_members.c.roster_id)
        .where(rosters.c.conversation_id.in_(here))
    )
    people = sorted(connection.execute(wrote.union(present)).scalars())
    return Target(place=place, people=tuple(people))


def facts_of_place(connection: Connection, place: str) -> list[str]:
    """Return the facts that were learnt in a place."""
    return list(connection.execute(select(facts.c.id).where(_learnt_in(place))).scalars())


def learnt_elsewhere(connection: Connection, place: str) -> list[str]:
    """Return the words of facts and summaries that stay."""
    told = connection.execute(
        select(facts.c.text, facts.c.quote, facts.c.value).where(~_learnt_in(place))
    )
    summed_up = connection.execute(
        select(summaries.c.text).where(summaries.c.conversation_id.not_in(conversations_in(place)))
    ).scalars()
    return [text for row in told for text in row if text] + list(summed_up)


def delete_messages(connection: Connection, gone: Sequence[str]) -> dict[str, int]:
    """Delete messages with all that hangs on them; return how many things went, by kind."""
    answering = or_(
        turns.c.trigger_message_id.in_(gone),
        turns.c.alternative_of.in_(gone),
        turns.c.reply_message_id.in_(gone),
    )
    asked = pending_actions.c.turn_id.in_(select(turns.c.id).where(answering))
    counts = {
        "attachments": _deleted(connection, attachments, attachments.c.message_id.in_(gone)),
        "external_ids": _deleted(connection, external_ids, external_ids.c.message_id.in_(gone)),
        "lessons": _deleted(connection, lessons, lessons.c.message_id.in_(gone)),
        "actions": _deleted(connection, pending_actions, asked),
        "turns": _deleted(connection, turns, answering),
    }
    connection.execute(
        update(messages).where(messages.c.parent_id.in_(gone)).values(parent_id=None, active=False)
    )
    connection.execute(
        update(conversations)
        .where(conversations.c.head_message_id.in_(gone))
        .values(head_message_id=None)
    )
    counts["messages"] = _deleted(connection, messages, messages.c.id.in_(gone))
    return counts


def drop_some(
    connection: Connection, place: str, *, limit: int
) -> tuple[dict[str, int], list[Dropped]]:
    """Delete what is left of a place once its messages are gone, at most ``limit`` of each kind.

    Returns how many things went, none when nothing is left, and rows for ``Indexer.dropped``.
    """
    here = conversations_in(place)
    within = or_(audiences.c.place == place, audiences.c.conversation_id.in_(here))
    recalled = select(recollections.c.id).where(
        or_(
            recollections.c.conversation_id.in_(here),
            recollections.c.audience_id.in_(select(audiences.c.id).where(within)),
        )
    )
    rows = list(connection.execute(recalled.limit(limit)).scalars())
    groups = list(
        connection.execute(
            select(rosters.c.id).where(rosters.c.conversation_id.in_(here)).limit(limit)
        ).scalars()
    )
    dropped = forget_rows(connection, rows)
    _deleted(connection, roster_members, roster_members.c.roster_id.in_(groups))
    used = select(facts.c.audience_id).union(select(recollections.c.audience_id))
    counts = {
        "recollections": len(rows),
        "actions": _some(
            connection, pending_actions.c.id, pending_actions.c.conversation_id.in_(here), limit
        ),
        "turns": _some(connection, turns.c.id, turns.c.conversation_id.in_(here), limit),
        "rosters": _deleted(connection, rosters, rosters.c.id.in_(groups)),
        "audiences": _some(
            connection, audiences.c.id, and_(within, audiences.c.id.not_in(used)), limit
        ),
    }
    return {kind: number for kind, number in counts.items() if number}, dropped


def close_place(connection: Connection, place: str) -> dict[str, int]:
    """Delete the conversations themselves, and what was chosen and granted there."""
    here = conversations_in(place)
    platform, _, scope = place.partition(":")
    bound = user_persona_bindings.c
    within = bound.target.startswith(f"{place}:", autoescape=True)
    connection.execute(
        update(affections)
        .where(affections.c.conversation_id.in_(here))
        .values(conversation_id=None, changed_here=0)
    )
    counts = {
        "states": _deleted(
            connection, conversation_states, conversation_states.c.conversation_id.in_(here)
        ),
        "settings": _deleted(connection, scoped_settings, _chosen_in(place, scoped_settings)),
        "roles": _deleted(connection, roles, _chosen_in(place, roles)),
        "bindings": _deleted(
            connection, user_persona_bindings, and_(bound.kind == "conversation", within)
        ),
        "conversations": _deleted(connection, conversations, conversations.c.id.in_(here)),
    }
    left = and_(departures.c.platform == platform, departures.c.scope == scope)
    _deleted(connection, departures, left)
    return counts


def drop_strangers(
    connection: Connection, people: Sequence[str], *, platform: str
) -> dict[str, int]:
    """Delete those of ``people`` of whom nothing else is known any more, with their only account.

    Who has linked accounts, a role or block, settings or personas of their own stays.
    """
    counts: dict[str, int] = {}
    for person in people:
        known = connection.execute(
            select(accounts.c.platform, accounts.c.user).where(accounts.c.person_id == person)
        ).all()
        if len(known) != 1 or known[0][0] != platform:
            continue
        account = AuthorId(*known[0])
        if not _is_known_elsewhere(connection, person, account):
            closed = close_profile(connection, Target(person=person, accounts=(account,)))
            for kind, number in closed.items():
                counts[kind] = counts.get(kind, 0) + number
    return counts


def _is_known_elsewhere(connection: Connection, person: str, account: AuthorId) -> bool:
    name = str(account)
    author = and_(
        messages.c.author_platform == account.platform, messages.c.author_user == account.user
    )
    queries = (
        select(messages.c.id).where(messages.c.person_id == person),
        select(messages.c.id).where(author),
        select(facts.c.id).where(facts.c.person_id == person),
        select(facts.c.id).where(facts.c.teller_id == person),
        select(recollections.c.id).where(recollections.c.person_id == person),
        select(scoped_settings.c.key).where(
            scoped_settings.c.scope == "user", scoped_settings.c.scope_id == person
        ),
        select(roles.c.role).where(roles.c.account == name),
        select(user_personas.c.id).where(user_personas.c.account == name),
        select(user_persona_bindings.c.kind).where(user_persona_bindings.c.account == name),
        select(link_codes.c.digest).where(link_codes.c.account == name),
        select(roster_members.c.roster_id).where(
            roster_members.c.kind == "account", roster_members.c.member == name
        ),
    )
    return any(connection.execute(query.limit(1)).first() for query in queries)


def _learnt_in(place: str) -> ColumnElement[bool]:
    return or_(
        facts.c.audience_id.in_(select(audiences.c.id).where(audiences.c.place == place)),
        func.coalesce(facts.c.conversation_id.in_(conversations_in(place)), false()),
    )


def _chosen_in(place: str, table: Table) -> ColumnElement[bool]:
    scope, name = table.c.scope, table.c.scope_id
    return or_(
        and_(scope == "guild", name == place),
        and_(scope == "channel", name.startswith(f"{place}:", autoescape=True)),
    )


def _count(connection: Connection, column: Column[str], condition: ColumnElement[bool]) -> int:
    query = select(func.count(column)).where(condition)
    return int(connection.execute(query).scalar_one())


def _some(
    connection: Connection,
    key: Column[str] | Column[int],
    condition: ColumnElement[bool],
    limit: int,
) -> int:
    return _deleted(connection, key.table, key.in_(select(key).where(condition).limit(limit)))


def _deleted(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(delete(table).where(condition)).rowcount)
