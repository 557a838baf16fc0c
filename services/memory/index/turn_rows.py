"""What was said, as rows that can be recalled; the messages decide, and these follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from services.domain.ids import ConversationId, PersonId
from services.domain.people import AuthorKind
from services.memory.recollections import (
    Audience,
    Dropped,
    add,
    audience_id,
    digest_of,
    forget_rows,
)
from services.memory.scope import Kind, place_of
from services.storage.tables import messages, recollections

SESSION_REST = timedelta(hours=3)
"""A conversation that rested this long goes on in a new session: a meal ends none, a night does."""
CHARACTERS_BEFORE = 500
"""How much of the message before goes into a vector, from its end."""
CHARACTERS = 1500
"""How much of a message goes into its vector, from its start: about what small embedders read."""

_AT_ONCE = 400
_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_before = messages.alias("before")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message as it is indexed: ``before`` is what it follows, where the same could hear it."""

    id: str
    conversation: str
    ordinal: int
    parent_ordinal: int | None
    speaker: str
    text: str
    before: str | None
    person: str | None
    roster: str | None
    visibility: str
    active: bool
    said_at: datetime

    @property
    def words(self) -> str:
        """Return what is searched for words."""
        return f"{self.speaker}: {self.text}"

    @property
    def digest(self) -> str:
        """Return what changes when the message, or the one before it, says something else."""
        return digest_of(self.before or "", self.words)

    @property
    def embedded(self) -> str:
        """Return what the vector stands for."""
        own = self.words[:CHARACTERS]
        return own if self.before is None else f"{self.before[-CHARACTERS_BEFORE:]}\n{own}"


@dataclass(slots=True)
class Indexed:
    """What ``index_messages`` did; in ``moved`` conversations another branch may stand now."""

    added: int = 0
    dropped: list[Dropped] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)


def searchable(table: FromClause = messages) -> ColumnElement[bool]:
    """Return the condition on messages that can be recalled at all."""
    said, blank = table.c, func.char(9, 10, 13, 32)
    return and_(
        said.deleted_at.is_(None),
        said.visibility != "hidden",
        said.author_kind != AuthorKind.SYSTEM.value,
        func.trim(func.coalesce(said.heard, said.written), blank) != "",
    )


_SAID = (
    select(
        messages.c.id,
        messages.c.conversation_id.label("conversation"),
        messages.c.ordinal,
        messages.c.author_name.label("speaker"),
        func.coalesce(messages.c.heard, messages.c.written).label("text"),
        messages.c.person_id.label("person"),
        messages.c.roster_id.label("roster"),
        messages.c.visibility,
        messages.c.active,
        messages.c.created_at.label("said_at"),
        _before.c.ordinal.label("parent_ordinal"),
        _before.c.author_name.label("before_speaker"),
        func.coalesce(_before.c.heard, _before.c.written).label("before_text"),
        and_(
            searchable(_before),
            _before.c.visibility == messages.c.visibility,
            _before.c.roster_id.is_not_distinct_from(messages.c.roster_id),
        ).label("before_counts"),
    )
    .outerjoin(_before, _before.c.id == messages.c.parent_id)
    .where(messages.c.id.in_(_IDS), searchable())
    .order_by(messages.c.conversation_id, messages.c.ordinal)
)
_FOLLOWING = select(messages.c.id).where(messages.c.parent_id.in_(_IDS))
_KNOWN = select(
    recollections.c.id,
    recollections.c.ref,
    recollections.c.digest,
    recollections.c.session,
    recollections.c.active,
).where(recollections.c.kind == Kind.TURN.value, recollections.c.ref.in_(_IDS))
_LAST_BEFORE = (
    select(recollections.c.session, recollections.c.said_at)
    .where(
        recollections.c.conversation_id == bindparam("conversation"),
        recollections.c.ordinal < bindparam("ordinal"),
        recollections.c.kind == Kind.TURN.value,
    )
    .order_by(recollections.c.ordinal.desc())
    .limit(1)
)
_NEW = (
    select(messages.c.id)
    .where(
        messages.c.conversation_id == bindparam("conversation"),
        messages.c.ordinal
        > select(func.coalesce(func.max(recollections.c.ordinal), 0))
        .where(
            recollections.c.conversation_id == bindparam("conversation"),
            recollections.c.kind == Kind.TURN.value,
        )
        .scalar_subquery(),
        searchable(),
    )
    .order_by(messages.c.ordinal)
    .limit(bindparam("limit"))
)
_UNINDEXED = (
    select(messages.c.id)
    .where(
        searchable(),
        ~select(recollections.c.id)
        .where(recollections.c.kind == Kind.TURN.value, recollections.c.ref == messages.c.id)
        .exists(),
    )
    .order_by(messages.c.conversation_id, messages.c.ordinal)
    .limit(bindparam("limit"))
)
_GONE = (
    select(recollections.c.ref)
    .outerjoin(messages, messages.c.id == recollections.c.ref)
    .where(recollections.c.kind == Kind.TURN.value, or_(messages.c.id.is_(None), ~searchable()))
)
_EDITED = select(messages.c.id).where(messages.c.edited_at.is_not(None), searchable())


def new_messages(connection: Connection, conversation: str, *, limit: int) -> list[str]:
    """Return messages said since the last one that is indexed, oldest first."""
    found = connection.execute(_NEW, {"conversation": conversation, "limit": limit})
    return list(found.scalars())


def unindexed(connection: Connection, *, limit: int) -> list[str]:
    """Return messages that should be searchable and are not, by conversation, oldest first."""
    return list(connection.execute(_UNINDEXED, {"limit": limit}).scalars())


def outdated(connection: Connection) -> list[str]:
    """Return messages that may be indexed with other words than theirs, or should not be."""
    return [*connection.execute(_GONE).scalars(), *connection.execute(_EDITED).scalars()]


def load_said(connection: Connection, ids: Sequence[str]) -> list[Said]:
    """Return those of ``ids`` that can be recalled, by conversation, oldest first."""
    rows = connection.execute(_SAID, {"ids": list(ids)}).mappings()
    return [_said(row) for row in rows]


def with_following(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Return ``ids`` and the messages that follow them on any branch."""
    found = list(ids)
    for start in range(0, len(ids), _AT_ONCE):
        portion = {"ids": list(ids[start : start + _AT_ONCE])}
        found += connection.execute(_FOLLOWING, portion).scalars()
    return list(dict.fromkeys(found))


def index_messages(connection: Connection, ids: Sequence[str]) -> Indexed:
    """Bring the rows of messages in line with what the messages say now; repeating is harmless."""
    done = Indexed()
    found = load_said(connection, ids)
    known = {row.ref: row for row in connection.execute(_KNOWN, {"ids": list(ids)})}
    gone = set(known) - {said.id for said in found}
    if gone:
        done.dropped += forget_rows(connection, [known[ref].id for ref in gone])
    for said in found:
        row = known.get(said.id)
        if row is None:
            _insert(connection, said)
            done.added += 1
            if said.parent_ordinal != (said.ordinal - 1 or None):
                done.moved.add(said.conversation)
        elif row.digest != said.digest:
            _store(connection, said, session=row.session, active=row.active)
            done.dropped.append(Dropped(row.id, Kind.TURN))
    return done


def _insert(connection: Connection, said: Said) -> None:
    last = connection.execute(
        _LAST_BEFORE, {"conversation": said.conversation, "ordinal": said.ordinal}
    ).one_or_none()
    session = 1
    if last is not None:
        rested = said.said_at - last.said_at >= SESSION_REST
        session = last.session + (1 if rested else 0)
    _store(connection, said, session=session, active=said.active)


def _store(connection: Connection, said: Said, *, session: int, active: bool) -> None:
    conversation = ConversationId.parse(said.conversation)
    audience = Audience(
        kind=Kind.TURN,
        place=place_of(conversation),
        conversation=conversation,
        roster=said.roster,
        visibility=said.visibility,
    )
    add(
        connection,
        kind=Kind.TURN,
        ref=said.id,
        audience=audience_id(connection, audience),
        words=said.words,
        conversation=conversation,
        ordinal=said.ordinal,
        session=session,
        speaker=said.speaker,
        person=None if said.person is None else PersonId(said.person),
        said_at=said.said_at,
        active=active,
        digest=said.digest,
    )


def _said(row: RowMapping) -> Said:
    before = f"{row['before_speaker']}: {row['before_text']}" if row["before_counts"] else None
    return Said(
        id=row["id"],
        conversation=row["conversation"],
        ordinal=row["ordinal"],
        parent_ordinal=row["parent_ordinal"],
        speaker=row["speaker"],
        text=row["text"],
        before=before,
        person=row["person"],
        roster=row["roster"],
        visibility=row["visibility"],
        active=row["active"],
        said_at=row["said_at"],
    )


def indexed(connection: Connection) -> list[str]:
    """Return every message that can be recalled now."""
    found = select(recollections.c.ref).where(recollections.c.kind == Kind.TURN.value)
    return list(connection.execute(found).scalars())
