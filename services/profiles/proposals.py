"""What people would like to have remembered of others, who have to agree first."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select, update

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound, TooMany
from services.domain.ids import AuthorId, ConversationId, PersonaId
from services.domain.people import Author, AuthorKind
from services.memory.rights.rows import FactView
from services.memory.rights.service import MemoryRights, Requester
from services.memory.rights.statements import Statement, finding_in
from services.memory.scope import place_of
from services.profiles.tables import memory_proposals
from services.storage.database import Database

T = TypeVar("T")

HELD = timedelta(days=7)
"""How long a proposal waits."""
DECLINED = timedelta(days=30)
"""How long what was declined is not proposed again."""

_MOST_ABOUT = 5
_MOST_BY = 10
_MOST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Something that waits for a yes of the person it is about; numbered for each person."""

    number: int
    about: AuthorId
    about_name: str
    by: AuthorId
    by_name: str
    text: str
    stamp: int
    until: datetime

    def as_json(self) -> dict[str, object]:
        """Return the proposal as JSON values."""
        return {
            "number": self.number,
            "about": self.about_name,
            "by": self.by_name,
            "text": self.text,
            "until": self.until.isoformat(),
        }


class Proposals:
    """Keeps what is proposed for seven days; only a yes of the person makes it a fact of theirs.

    Five wait for a person at most and ten of a proposer. What was declined is kept as a digest for
    30 days, in which it is not proposed again; nor does anybody propose anything to a person who
    declined something of theirs within a day. ``arrive`` makes a person to an account.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        rights: MemoryRights,
        arrive: Callable[[Author], Awaitable[object]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._rights = rights
        self._arrive = arrive

    async def propose(
        self, statement: Statement, *, about: Author, by: Author
    ) -> Proposal | FactView:
        """Ask a person; what people propose of themselves is a fact at once.

        Raises ``InvalidRequest`` for a machine and for what is unfit to be remembered, such as
        orders and secrets, ``NotAllowed`` for what was declined lately, ``TooMany``.
        """
        if about.kind is not AuthorKind.HUMAN:
            raise InvalidRequest("note_machine", "Notes are about people, and that is a bot.")
        finding_in(statement)
        if about.id == by.id:
            await self._arrive(about)
            return await self._rights.add(Requester(account=about.id), statement)
        digest = _digest(statement.value)

        def work(connection: Connection) -> Proposal:
            now = self._clock.now()
            _expire(connection, now)
            _refuse_declined(connection, str(about.id), str(by.id), digest, now)
            _refuse_many(connection, str(about.id), str(by.id), digest)
            mine = memory_proposals.c.about == str(about.id)
            last = connection.execute(
                select(func.coalesce(func.max(memory_proposals.c.number), 0)).where(mine)
            ).scalar_one()
            where = statement.conversation
            made = connection.execute(
                insert(memory_proposals)
                .values(
                    about=str(about.id),
                    number=last + 1,
                    about_name=about.display_name[:_MOST_NAME],
                    proposed_by=str(by.id),
                    proposer_name=by.display_name[:_MOST_NAME],
                    place=place_of(where),
                    conversation=str(where),
                    persona=statement.persona,
                    text=" ".join(statement.value.split()),
                    digest=digest,
                    created_at=now,
                )
                .returning(memory_proposals)
            )
            return _proposal(made.mappings().one())

        return await self._change(work)

    async def accept(self, number: int, *, stamp: int | None = None, by: Author) -> FactView:
        """Remember what was proposed of ``by``.

        ``stamp`` is when it was, in whole seconds, where that is known. Raises ``NotFound`` for
        what is not proposed of them, any more or at all, and what ``MemoryRights.add`` raises.
        """
        row = await self._see(lambda seen: self._waiting(seen, number, stamp, by))
        statement = Statement(
            value=row["text"],
            name=row["about_name"],
            persona=PersonaId(row["persona"]),
            conversation=ConversationId.parse(row["conversation"]),
        )
        await self._arrive(by)
        kept = await self._rights.add(Requester(account=by.id), statement)
        done = delete(memory_proposals).where(memory_proposals.c.id == row["id"])
        await self._change(lambda connection: connection.execute(done))
        return kept

    async def decline(self, number: int, *, stamp: int | None = None, by: Author) -> None:
        """Say no; the text is gone at once. Raises ``NotFound``."""

        def work(connection: Connection) -> None:
            row = self._waiting(connection, number, stamp, by)
            connection.execute(
                update(memory_proposals)
                .where(memory_proposals.c.id == row["id"])
                .values(text="", about_name="", declined_at=self._clock.now())
            )

        await self._change(work)

    async def withdraw(self, number: int, *, stamp: int, about: AuthorId, by: Author) -> None:
        """Take back what ``by`` has proposed of ``about``. Raises ``NotFound``."""

        def work(connection: Connection) -> None:
            asked = Author(id=about, display_name="")
            row = self._waiting(connection, number, stamp, asked)
            if row["proposed_by"] != str(by.id):
                raise _unknown()
            gone = memory_proposals.c.id == row["id"]
            connection.execute(delete(memory_proposals).where(gone))

        await self._change(work)

    async def waiting(self, *, by: Author) -> Sequence[Proposal]:
        """Return what waits for a yes of ``by``, the oldest first."""

        def work(connection: Connection) -> Sequence[Proposal]:
            mine = memory_proposals.c.about == str(by.id)
            query = select(memory_proposals).where(mine, _standing(self._clock.now()))
            found = connection.execute(query.order_by(memory_proposals.c.number)).mappings()
            return [_proposal(row) for row in found]

        return await self._see(work)

    def _waiting(
        self, connection: Connection, number: int, stamp: int | None, by: Author
    ) -> RowMapping:
        query = select(memory_proposals).where(
            memory_proposals.c.about == str(by.id),
            memory_proposals.c.number == number,
            _standing(self._clock.now()),
        )
        row = connection.execute(query).mappings().one_or_none() if 0 < number < 2**31 else None
        if row is None or stamp not in {None, stamp_of(row["created_at"])}:
            raise _unknown()
        return row

    async def _see(self, work: Callable[[Connection], T]) -> T:
        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def _change(self, work: Callable[[Connection], T]) -> T:
        async with self._database.transaction() as tx:
            return await tx.run(work)


def stamp_of(moment: datetime) -> int:
    """Return a moment in whole seconds, which tells proposals of one number apart."""
    return int(moment.timestamp())


def _unknown() -> NotFound:
    return NotFound("proposal_unknown", "Nothing of that waits for you; it may have expired.")


def _digest(text: str) -> str:
    plain = " ".join(text.split()).casefold()
    return hashlib.sha256(plain.encode()).hexdigest()


def _standing(now: datetime) -> ColumnElement[bool]:
    return memory_proposals.c.declined_at.is_(None) & (memory_proposals.c.created_at > now - HELD)


def _expire(connection: Connection, now: datetime) -> None:
    waited = memory_proposals.c.declined_at.is_(None) & (
        memory_proposals.c.created_at <= now - HELD
    )
    forgiven = memory_proposals.c.declined_at <= now - DECLINED
    connection.execute(delete(memory_proposals).where(waited | forgiven))


def _refuse_declined(
    connection: Connection, about: str, by: str, digest: str, now: datetime
) -> None:
    declined = (memory_proposals.c.about == about) & memory_proposals.c.declined_at.is_not(None)
    same = memory_proposals.c.digest == digest
    lately = (memory_proposals.c.proposed_by == by) & (
        memory_proposals.c.declined_at > now - timedelta(days=1)
    )
    if connection.execute(select(memory_proposals.c.id).where(declined, same | lately)).first():
        raise NotAllowed("proposal_declined", "They have said no lately; they are not asked again.")


def _refuse_many(connection: Connection, about: str, by: str, digest: str) -> None:
    query = select(memory_proposals).where(memory_proposals.c.declined_at.is_(None))
    theirs = connection.execute(query.where(memory_proposals.c.about == about)).mappings().all()
    if any(row["digest"] == digest for row in theirs):
        raise InvalidRequest("proposal_twice", "They have been asked that already.")
    count = select(func.count()).where(
        memory_proposals.c.proposed_by == by, memory_proposals.c.declined_at.is_(None)
    )
    if len(theirs) >= _MOST_ABOUT or connection.execute(count).scalar_one() >= _MOST_BY:
        raise TooMany(
            "proposals_open", "Too many proposals wait for an answer.", retry_after=3600.0
        )


def _proposal(row: RowMapping) -> Proposal:
    return Proposal(
        number=row["number"],
        about=AuthorId.parse(row["about"]),
        about_name=row["about_name"],
        by=AuthorId.parse(row["proposed_by"]),
        by_name=row["proposer_name"],
        text=row["text"],
        stamp=stamp_of(row["created_at"]),
        until=row["created_at"] + HELD,
    )
