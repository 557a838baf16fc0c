"""Polls: a question to everybody in a place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound, TooMany
from services.domain.ids import ConversationId
from services.domain.people import Author, Role
from services.lists.tables import poll_votes, polls
from services.lists.values import (
    LONGEST_QUESTION,
    Poll,
    checked_line,
    checked_options,
)
from services.memory.scope import place_of
from services.storage.database import Database

T = TypeVar("T")

_MOST_OPEN = 25
_LISTED = 20


class Polls:
    """Keeps polls, numbered per place; everybody there votes, and may vote anew until it closes.

    Raises ``NotFound`` for a poll of another place.
    """

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def ask(
        self,
        question: str,
        options: Sequence[str],
        *,
        by: Author,
        where: ConversationId,
        several: bool = False,
    ) -> Poll:
        """Ask everybody. Raises ``InvalidRequest``; ``TooMany`` with 25 open polls in the place."""
        asked = checked_line(question, most=LONGEST_QUESTION, what="a question")
        offered = checked_options(options)
        place = place_of(where)

        def work(connection: Connection) -> Poll:
            here = polls.c.place == place
            still_open = connection.execute(
                select(func.count()).where(here, polls.c.closed_at.is_(None))
            ).scalar_one()
            if still_open >= _MOST_OPEN:
                raise TooMany(
                    "polls_open", f"{_MOST_OPEN} polls are open here; close some.", retry_after=0.0
                )
            last = connection.execute(
                select(func.coalesce(func.max(polls.c.number), 0)).where(here)
            ).scalar_one()
            made = connection.execute(
                insert(polls)
                .values(
                    place=place,
                    conversation=str(where),
                    number=last + 1,
                    asked_by=str(by.id),
                    question=asked,
                    options=offered,
                    several=several,
                    created_at=self._clock.now(),
                )
                .returning(polls)
            )
            return _poll(connection, made.mappings().one())

        return await self._change(work)

    async def vote(self, number: int, option: int, *, by: Author, where: ConversationId) -> Poll:
        """Vote for an option, counted from 1; again takes the vote back.

        In a poll with one choice each another vote is withdrawn. Raises ``InvalidRequest`` for a
        closed poll or an option that is not there.
        """

        def work(connection: Connection) -> Poll:
            row = _find(connection, number, where)
            if row["closed_at"] is not None:
                raise InvalidRequest("poll_closed", "That poll is closed.")
            if not 1 <= option <= len(row["options"]):
                raise InvalidRequest("poll_option", "There is no such option.")
            mine = (poll_votes.c.poll_id == row["id"]) & (poll_votes.c.account == str(by.id))
            this = mine & (poll_votes.c.option == option)
            if not connection.execute(delete(poll_votes).where(this)).rowcount:
                if not row["several"]:
                    connection.execute(delete(poll_votes).where(mine))
                connection.execute(
                    insert(poll_votes).values(poll_id=row["id"], account=str(by.id), option=option)
                )
            return _poll(connection, row)

        return await self._change(work)

    async def close(self, number: int, *, by: Author, role: Role, where: ConversationId) -> Poll:
        """Count for good. Raises ``NotAllowed`` for others than who asked, below moderator."""

        def work(connection: Connection) -> Poll:
            row = _find(connection, number, where)
            if row["asked_by"] != str(by.id) and role < Role.MODERATOR:
                raise NotAllowed("poll_owner", "Only who asked, and moderators, can close a poll.")
            connection.execute(
                update(polls)
                .where(polls.c.id == row["id"], polls.c.closed_at.is_(None))
                .values(closed_at=self._clock.now())
            )
            return _poll(connection, _find(connection, number, where))

        return await self._change(work)

    async def show(self, number: int, *, where: ConversationId) -> Poll:
        """Return a poll as it stands."""
        async with self._database.reader() as snapshot:
            return await snapshot.run(
                lambda connection: _poll(connection, _find(connection, number, where))
            )

    async def listed(self, *, where: ConversationId) -> Sequence[Poll]:
        """Return the newest 20 polls of the place, open ones first."""

        def work(connection: Connection) -> Sequence[Poll]:
            order = (polls.c.closed_at.is_not(None), polls.c.number.desc())
            query = select(polls).where(polls.c.place == place_of(where)).order_by(*order)
            rows = connection.execute(query.limit(_LISTED)).mappings().all()
            return [_poll(connection, row) for row in rows]

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def _change(self, work: Callable[[Connection], T]) -> T:
        async with self._database.transaction() as tx:
            return await tx.run(work)


def _find(connection: Connection, number: int, where: ConversationId) -> RowMapping:
    query = select(polls).where(polls.c.place == place_of(where), polls.c.number == number)
    row = connection.execute(query).mappings().one_or_none() if 0 < number < 2**31 else None
    if row is None:
        raise NotFound("poll_unknown", f"There is no poll {str(number)[:12]} here.")
    return row


def _poll(connection: Connection, row: RowMapping) -> Poll:
    cast = connection.execute(
        select(poll_votes.c.account, poll_votes.c.option).where(poll_votes.c.poll_id == row["id"])
    ).all()
    counted = Counter(option for _, option in cast)
    return Poll(
        number=row["number"],
        question=row["question"],
        options=row["options"],
        votes=[counted[place] for place in range(1, len(row["options"]) + 1)],
        people=len({account for account, _ in cast}),
        several=row["several"],
        created_at=row["created_at"],
        closed_at=row["closed_at"],
    )
