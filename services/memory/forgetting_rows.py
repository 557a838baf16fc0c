"""Where the words of somebody lie in the database, and taking them out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Table,
    and_,
    delete,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from services.domain.ids import AuthorId, IdSource
from services.memory.redaction import Place
from services.storage.tables import (
    accounts,
    affections,
    attachments,
    audiences,
    blobs,
    conversation_states,
    conversations,
    external_ids,
    facts,
    lessons,
    link_codes,
    messages,
    people,
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

NOBODY = AuthorId("forgotten", "forgotten")
"""Who seems to have written what was forgotten."""

NEVER_AGAIN = 2**31 - 1
"""The version of a lesson that no learner goes beyond."""

_BLOCK = -1
_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whose words are forgotten: everything of a person, or only some ``messages`` of theirs.

    ``own`` are the conversations in which nobody else but characters ever spoke; they go as a
    whole.
    """

    person: str
    accounts: tuple[AuthorId, ...]
    own: tuple[str, ...] = ()
    messages: tuple[str, ...] | None = None

    @property
    def whole(self) -> bool:
        """Whether everything of the person goes."""
        return self.messages is None

    @property
    def names(self) -> frozenset[str]:
        """The accounts as they are stored outside of messages."""
        return frozenset(map(str, self.accounts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A message's words; ``theirs`` says whether the person wrote them."""

    place: Place
    written: str
    heard: str | None
    theirs: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """Return what there is to read, once each."""
        heard = () if self.heard is None or self.heard == self.written else (self.heard,)
        return tuple(text for text in (self.written, *heard) if text)


def find_target(connection: Connection, person: str) -> Target | None:
    """Return everything that belongs to a person; ``None`` for one who is not known."""
    rows = connection.execute(
        select(accounts.c.platform, accounts.c.user).where(accounts.c.person_id == person)
    ).all()
    known = connection.execute(select(people.c.id).where(people.c.id == person)).first()
    if known is None and not rows:
        return None
    target = Target(person=person, accounts=tuple(AuthorId(*row) for row in sorted(rows)))
    return Target(
        person=person, accounts=target.accounts, own=tuple(_own_conversations(connection, target))
    )


def texts_of(connection: Connection, target: Target, *, after: str, limit: int) -> list[Text]:
    """Return the next messages to forget, oldest first."""
    rows = connection.execute(
        select(
            messages.c.id,
            messages.c.conversation_id,
            messages.c.ordinal,
            messages.c.written,
            messages.c.heard,
            _by_them(target).label("theirs"),
        )
        .where(_forgettable(target), messages.c.id > after)
        .order_by(messages.c.id)
        .limit(limit)
    )
    return [_text(*row) for row in rows]


def other_texts(
    connection: Connection,
    target: Target,
    *,
    after: str,
    limit: int,
    within: Collection[str] | None = None,
) -> list[Text]:
    """Return the next messages that stay, oldest first, of some conversations or of all."""
    stays = and_(_not_by_them(target), messages.c.conversation_id.not_in(target.own))
    if not target.whole:
        stays = _not_by_them(target)
    if within is not None:
        stays = and_(stays, messages.c.conversation_id.in_(within))
    rows = connection.execute(
        select(
            messages.c.id,
            messages.c.conversation_id,
            messages.c.ordinal,
            messages.c.written,
            messages.c.heard,
            false(),
        )
        .where(stays, messages.c.deleted_at.is_(None), messages.c.id > after)
        .order_by(messages.c.id)
        .limit(limit)
    )
    return [_text(*row) for row in rows]


def answered(connection: Connection, replies: Sequence[str]) -> Mapping[str, str]:
    """Return which message each of ``replies`` answers, where it is an answer."""
    rows = connection.execute(
        select(turns.c.reply_message_id, turns.c.trigger_message_id).where(
            turns.c.reply_message_id.in_(replies), turns.c.trigger_message_id.is_not(None)
        )
    )
    return {reply: trigger for reply, trigger in rows}


def names_of(connection: Connection, target: Target) -> list[str]:
    """Return what the person is called anywhere, numbers of accounts included."""
    listed = target.names
    shown = connection.execute(
        select(accounts.c.display_name).where(accounts.c.person_id == target.person)
    ).scalars()
    written = connection.execute(
        select(messages.c.author_name).where(_by_them(target)).distinct().limit(_BATCH)
    ).scalars()
    own = connection.execute(
        select(user_personas.c.name).where(user_personas.c.account.in_(listed))
    ).scalars()
    numbers = [account.user for account in target.accounts if account.user.isdigit()]
    return list(dict.fromkeys([*shown, *written, *own, *numbers]))


def notes_of(connection: Connection, target: Target) -> list[str]:
    """Return what the person wrote outside of messages: their personas and told facts."""
    described = connection.execute(
        select(user_personas.c.description).where(user_personas.c.account.in_(target.names))
    ).scalars()
    told = connection.execute(
        select(facts.c.text).where(facts.c.teller_id == target.person)
    ).scalars()
    return [text for text in (*described, *told) if text]


def names_of_others(connection: Connection, target: Target) -> list[str]:
    """Return what everybody else is called, characters included."""
    others = connection.execute(
        select(accounts.c.display_name).where(accounts.c.person_id != target.person).distinct()
    ).scalars()
    written = connection.execute(
        select(messages.c.author_name).where(_not_by_them(target)).distinct()
    ).scalars()
    return [*others, *written]


def places_of(connection: Connection, target: Target) -> list[str]:
    """Return the conversations the person wrote in or was present in."""
    wrote = select(messages.c.conversation_id).where(_forgettable(target))
    present = (
        select(rosters.c.conversation_id)
        .join(roster_members, roster_members.c.roster_id == rosters.c.id)
        .where(_member_of(target))
    )
    return sorted(connection.execute(wrote.union(present)).scalars())


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
        false(), *(func.instr(messages.c.mentions, f'"{name}"') > 0 for name in sorted(names))
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


# -- recollections


def recollected(connection: Connection, kind: str, refs: Sequence[str]) -> list[int]:
    """Return the row numbers under which things can be recalled."""
    return list(
        connection.execute(
            select(recollections.c.id).where(
                recollections.c.kind == kind, recollections.c.ref.in_(refs)
            )
        ).scalars()
    )


def following(connection: Connection, gone: Sequence[str]) -> list[int]:
    """Return the rows of messages embedded together with one of ``gone``: those that came next."""
    child, later = messages.alias(), messages.alias()
    children = select(child.c.id).where(child.c.parent_id.in_(gone))
    next_ordinal = (
        select(func.min(later.c.ordinal))
        .where(
            later.c.conversation_id == messages.c.conversation_id,
            later.c.ordinal > messages.c.ordinal,
            later.c.deleted_at.is_(None),
        )
        .scalar_subquery()
    )
    after = messages.alias()
    nexts = (
        select(after.c.id)
        .join(
            messages,
            and_(
                after.c.conversation_id == messages.c.conversation_id,
                after.c.ordinal == next_ordinal,
            ),
        )
        .where(messages.c.id.in_(gone))
    )
    found = set(connection.execute(children.union(nexts)).scalars()) - set(gone)
    return recollected(connection, "turn", sorted(found))


def drop_recollections(connection: Connection, rows: Sequence[int]) -> int:
    """Forget how to recall ``rows``: their words and their vectors."""
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        listed = ",".join(str(int(row)) for row in part)
        connection.exec_driver_sql(
            f"DELETE FROM recollection_words WHERE rowid IN ({listed})"  # noqa: S608  numbers
        )
        connection.execute(delete(recollections).where(recollections.c.id.in_(part)))
    return len(rows)


def drop_embeddings(connection: Connection, rows: Sequence[int]) -> None:
    """Have the vectors of ``rows`` made anew."""
    for start in range(0, len(rows), _BATCH):
        connection.execute(
            update(recollections)
            .where(recollections.c.id.in_(rows[start : start + _BATCH]))
            .values(embedder=None, embedding=None)
        )


# -- erasing


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


def facts_from(connection: Connection, gone: Sequence[str]) -> list[str]:
    """Return the facts that were learnt from messages."""
    query = select(facts.c.id).where(facts.c.message_id.in_(gone))
    return list(connection.execute(query).scalars())


def facts_of(connection: Connection, target: Target) -> list[str]:
    """Return the facts about a person or told by them."""
    query = select(facts.c.id).where(
        or_(facts.c.person_id == target.person, facts.c.teller_id == target.person)
    )
    return list(connection.execute(query).scalars())


def summaries_of(connection: Connection, gone: Sequence[str]) -> list[str]:
    """Return the summaries that cover one of the messages."""
    query = select(summaries.c.id).where(
        exists(
            select(messages.c.id).where(
                messages.c.id.in_(gone),
                messages.c.conversation_id == summaries.c.conversation_id,
                messages.c.ordinal.between(summaries.c.first_ordinal, summaries.c.last_ordinal),
            )
        )
    )
    return list(connection.execute(query).scalars())


def drop_facts(connection: Connection, gone: Sequence[str]) -> int:
    """Delete facts and how to recall them; the vectors of the index are the caller's."""
    drop_recollections(connection, recollected(connection, "fact", gone))
    connection.execute(
        update(facts).where(facts.c.superseded_by.in_(gone)).values(superseded_by=None)
    )
    return _deleted(connection, facts, facts.c.id.in_(gone))


def drop_summaries(connection: Connection, gone: Sequence[str]) -> int:
    """Delete summaries and how to recall them."""
    drop_recollections(connection, recollected(connection, "summary", gone))
    return _deleted(connection, summaries, summaries.c.id.in_(gone))


def blobs_only_of(connection: Connection, gone: Sequence[str]) -> list[str]:
    """Return the attachments' contents that no other message has."""
    rest = attachments.alias()
    query = (
        select(attachments.c.sha256)
        .where(
            attachments.c.message_id.in_(gone),
            ~exists(
                select(rest.c.id).where(
                    rest.c.sha256 == attachments.c.sha256, rest.c.message_id.not_in(gone)
                )
            ),
        )
        .distinct()
    )
    return list(connection.execute(query).scalars())


def drop_blob_rows(connection: Connection, gone: Sequence[str]) -> int:
    """Forget contents that are no longer stored."""
    return _deleted(connection, blobs, blobs.c.sha256.in_(gone))


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
        update(turns)
        .where(turns.c.conversation_id.in_(own))
        .values(why=None, delivered="")
    )
    _deleted(connection, pending_actions, pending_actions.c.conversation_id.in_(own))
    covered = select(summaries.c.id).where(summaries.c.conversation_id.in_(own))
    return {
        "summaries": drop_summaries(connection, list(connection.execute(covered).scalars())),
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
        select(rosters.c.id, rosters.c.conversation_id)
        .where(
            rosters.c.id.in_(
                select(roster_members.c.roster_id).where(_member_of(target)).limit(_BATCH)
            )
        )
    ).all()
    for roster, conversation in old:
        new = f"forgotten-{ids.new()}"
        connection.execute(
            insert(rosters).values(id=new, conversation_id=conversation, digest=new)
        )
        _deleted(
            connection, roster_members, and_(roster_members.c.roster_id == roster, _member_of(target))
        )
        for table in (messages, roster_members, audiences):
            connection.execute(
                update(table).where(table.c.roster_id == roster).values(roster_id=new)
            )
        connection.execute(
            update(audiences)
            .where(audiences.c.roster_id == new)
            .values(key=audiences.c.key + f"|{new}")
        )
        connection.execute(delete(rosters).where(rosters.c.id == roster))
    return len(old)


def close_profile(connection: Connection, target: Target) -> dict[str, int]:
    """Delete who the person was; blocks stay, or being forgotten would lift them."""
    names = target.names
    noted = (recollections.c.person_id == target.person, facts.c.person_id == target.person)
    drop_recollections(
        connection, list(connection.execute(select(recollections.c.id).where(noted[0])).scalars())
    )
    counts = {
        "facts": drop_facts(connection, facts_of(connection, target)),
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
            or_(
                pending_actions.c.requested_by.in_(names), pending_actions.c.decided_by.in_(names)
            ),
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


def drop_orphans(connection: Connection, *, limit: int = 500) -> list[int]:
    """Delete what was learnt or indexed of messages after they had been erased; return its rows.

    A learner may have been reading them at that moment.
    """
    gone = select(messages.c.id).where(messages.c.deleted_at.is_not(None), messages.c.written == "")
    late = list(
        connection.execute(
            select(recollections.c.id)
            .where(recollections.c.kind == "turn", recollections.c.ref.in_(gone))
            .limit(limit)
        ).scalars()
    )
    drop_recollections(connection, late)
    learnt = connection.execute(
        select(facts.c.id)
        .join(messages, messages.c.id == facts.c.message_id)
        .where(messages.c.deleted_at.is_not(None), messages.c.author_platform == NOBODY.platform)
        .limit(limit)
    ).scalars()
    lost = list(learnt)
    rows = recollected(connection, "fact", lost)
    drop_facts(connection, lost)
    return late + rows


def _drop_audiences(connection: Connection, target: Target) -> None:
    used = select(facts.c.audience_id).union(select(recollections.c.audience_id))
    _deleted(
        connection,
        audiences,
        and_(audiences.c.person_id == target.person, audiences.c.id.not_in(used)),
    )


def _own_conversations(connection: Connection, target: Target) -> list[str]:
    other = messages.alias()
    wrote = select(messages.c.conversation_id).where(_by_them(target)).distinct().subquery()
    shared = exists(
        select(other.c.id).where(
            other.c.conversation_id == wrote.c.conversation_id,
            other.c.author_kind != "persona",
            _not_by_them(target, other),
        )
    )
    query = select(wrote.c.conversation_id).where(~shared).order_by(wrote.c.conversation_id)
    return list(connection.execute(query).scalars())


def _by_them(target: Target) -> ColumnElement[bool]:
    pairs = [(account.platform, account.user) for account in target.accounts]
    written = tuple_(messages.c.author_platform, messages.c.author_user)
    return or_(messages.c.person_id == target.person, written.in_(pairs) if pairs else false())


def _not_by_them(target: Target, table: FromClause = messages) -> ColumnElement[bool]:
    pairs = [(account.platform, account.user) for account in target.accounts]
    written = tuple_(table.c.author_platform, table.c.author_user)
    others = table.c.person_id.is_distinct_from(target.person)
    return and_(others, written.not_in(pairs)) if pairs else others


def _forgettable(target: Target) -> ColumnElement[bool]:
    """Hold for messages that are still to be forgotten."""
    if target.messages is not None:
        return and_(messages.c.id.in_(target.messages), messages.c.deleted_at.is_(None))
    return or_(_by_them(target), and_(*_in_own(target)))


def _in_own(target: Target) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        messages.c.conversation_id.in_(target.own),
        messages.c.author_platform != NOBODY.platform,
    )


def _member_of(target: Target) -> ColumnElement[bool]:
    return and_(roster_members.c.kind == "account", roster_members.c.member.in_(target.names))


def _text(
    message: str, conversation: str, ordinal: int, written: str, heard: str | None, theirs: bool
) -> Text:
    return Text(
        place=Place(message, conversation, ordinal),
        written=written,
        heard=heard,
        theirs=bool(theirs),
    )


def _deleted(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(delete(table).where(condition)).rowcount)
