"""Where the words of somebody lie in the database, and taking them out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    exists,
    false,
    or_,
    select,
    tuple_,
)

from services.domain.ids import AuthorId
from services.memory.forgetting.redaction import Place
from services.storage.tables import (
    accounts,
    attachments,
    conversations,
    facts,
    messages,
    people,
    recollections,
    roles,
    roster_members,
    rosters,
    summaries,
    turns,
    user_personas,
)

NOBODY = AuthorId("forgotten", "forgotten")
"""Who seems to have written what was forgotten."""

_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whose words are forgotten: everything of a person, or only some ``messages`` of theirs.

    ``own`` are the conversations in which nobody else but characters ever spoke; they go as a
    whole. With a ``place``, it is instead everything said there, by anybody; ``people`` are those
    who were there.
    """

    person: str = ""
    accounts: tuple[AuthorId, ...] = ()
    own: tuple[str, ...] = ()
    messages: tuple[str, ...] | None = None
    place: str | None = None
    people: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything of the person or place goes."""
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


def conversations_in(place: str) -> Select[str]:
    """Return the query for the conversations of a place, written ``platform:scope``."""
    platform, _, scope = place.partition(":")
    return select(conversations.c.id).where(
        conversations.c.platform == platform, conversations.c.scope == scope
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
        .where(forgettable(target), messages.c.id > after)
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
    return {row[0]: row[1] for row in rows}


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


def numbers_of(connection: Connection, target: Target) -> list[str]:
    """Return the numbers of those accounts of which nothing stays, not even a block."""
    blocked = connection.execute(
        select(roles.c.account).where(roles.c.account.in_(target.names), roles.c.role < 0)
    ).scalars()
    kept = set(blocked)
    return [
        account.user
        for account in target.accounts
        if account.user.isdigit() and str(account) not in kept
    ]


def notes_of(connection: Connection, target: Target) -> list[str]:
    """Return what the person wrote outside of messages."""
    query = select(user_personas.c.description).where(user_personas.c.account.in_(target.names))
    return [text for text in connection.execute(query).scalars() if text]


def theirs_among(connection: Connection, target: Target, among: Sequence[str]) -> list[str]:
    """Return those of some messages that the person wrote, as far as they are still there."""
    query = select(messages.c.id).where(
        messages.c.id.in_(among), _by_them(target), messages.c.deleted_at.is_(None)
    )
    return sorted(connection.execute(query).scalars())


def recollections_of(connection: Connection, target: Target) -> list[int]:
    """Return the rows under which anything about the person can be recalled."""
    query = select(recollections.c.id).where(recollections.c.person_id == target.person)
    return list(connection.execute(query).scalars())


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
    """Return the conversations of the place, or those the person wrote or was present in."""
    if target.place is not None:
        return sorted(connection.execute(conversations_in(target.place)).scalars())
    wrote = select(messages.c.conversation_id).where(forgettable(target))
    present = (
        select(rosters.c.conversation_id)
        .join(roster_members, roster_members.c.roster_id == rosters.c.id)
        .where(member_of(target))
    )
    return sorted(connection.execute(wrote.union(present)).scalars())


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


def summaries_within(connection: Connection, conversations_: Collection[str]) -> list[str]:
    """Return the summaries of whole conversations."""
    query = select(summaries.c.id).where(summaries.c.conversation_id.in_(conversations_))
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
    if target.place is not None:
        return messages.c.conversation_id.in_(conversations_in(target.place))
    pairs = [(account.platform, account.user) for account in target.accounts]
    written = tuple_(messages.c.author_platform, messages.c.author_user)
    return or_(messages.c.person_id == target.person, written.in_(pairs) if pairs else false())


def _not_by_them(target: Target, table: FromClause = messages) -> ColumnElement[bool]:
    if target.place is not None:
        return table.c.conversation_id.not_in(conversations_in(target.place))
    pairs = [(account.platform, account.user) for account in target.accounts]
    written = tuple_(table.c.author_platform, table.c.author_user)
    others = table.c.person_id.is_distinct_from(target.person)
    return and_(others, written.not_in(pairs)) if pairs else others


def forgettable(target: Target) -> ColumnElement[bool]:
    """Hold for messages that are still to be forgotten."""
    if target.messages is not None:
        return and_(messages.c.id.in_(target.messages), messages.c.deleted_at.is_(None))
    if target.place is not None:
        return _by_them(target)
    return or_(_by_them(target), and_(*_in_own(target)))


def _in_own(target: Target) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        messages.c.conversation_id.in_(target.own),
        messages.c.author_platform != NOBODY.platform,
    )


def member_of(target: Target) -> ColumnElement[bool]:
    """Hold for memberships of the person in groups that were present."""
    return and_(roster_members.c.kind == "account", roster_members.c.member.in_(target.names))


def _text(
    message: str, conversation: str, ordinal: int, written: str, heard: str | None, theirs: object
) -> Text:
    return Text(
        place=Place(message, conversation, ordinal),
        written=written,
        heard=heard,
        theirs=bool(theirs),
    )
