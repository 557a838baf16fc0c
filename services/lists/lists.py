"""Lists of people and places: shopping, packing, whatever is ticked off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound, TooMany
from services.domain.ids import ConversationId
from services.domain.people import Author, Role
from services.lists.tables import list_items, lists
from services.lists.values import (
    LONGEST_ITEM,
    MOST_ITEMS,
    MOST_LISTS,
    Item,
    NamedList,
    checked_line,
    checked_name,
)
from services.memory.scope import place_of
from services.storage.database import Database

T = TypeVar("T")


class Lists:
    """Keeps lists by name: one's own, and those a place shares.

    A name means one's own list first, then a shared one. Everybody in the place may change a
    shared list's lines; whoever made it, and moderators, delete it. Raises ``NotFound`` for a list
    or line that is not there.
    """

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def all(self, *, by: Author, where: ConversationId) -> Sequence[NamedList]:
        """Return one's lists and the shared ones, by name, without their lines."""

        def work(connection: Connection) -> Sequence[NamedList]:
            rows = connection.execute(
                select(lists).where(_within(by, where)).order_by(lists.c.name, lists.c.id)
            ).mappings()
            return [NamedList(name=row["name"], shared=row["shared"]) for row in rows]

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def show(self, name: str, *, by: Author, where: ConversationId) -> NamedList:
        """Return a list with its lines, those to do first."""

        def work(connection: Connection) -> NamedList:
            return _with_items(connection, _find(connection, name, by, where))

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def add(
        self,
        name: str,
        texts: Sequence[str],
        *,
        by: Author,
        where: ConversationId,
        shared: bool = False,
    ) -> NamedList:
        """Add lines to a list, which is made, ``shared`` or one's own, when there is none.

        All lines are added or none. Raises ``InvalidRequest``, ``TooMany``.
        """
        title = checked_name(name)
        lines = [checked_line(one, most=LONGEST_ITEM, what="each line") for one in texts]

        def work(connection: Connection) -> NamedList:
            row = _found(connection, title, by, where) or self._made(
                connection, title, by, where, shared=shared
            )
            count = connection.execute(
                select(func.count()).where(list_items.c.list_id == row["id"])
            ).scalar_one()
            if count + len(lines) > MOST_ITEMS:
                raise TooMany(
                    "list_full", f"A list has {MOST_ITEMS} lines; remove some.", retry_after=0.0
                )
            for number, line in enumerate(lines, row["last"] + 1):
                connection.execute(
                    insert(list_items).values(
                        list_id=row["id"], number=number, text=line, done=False, added_by=str(by.id)
                    )
                )
            connection.execute(
                update(lists).where(lists.c.id == row["id"]).values(last=row["last"] + len(lines))
            )
            return _with_items(connection, row)

        return await self._change(work)

    async def tick(
        self, name: str, number: int, *, by: Author, where: ConversationId, done: bool | None = None
    ) -> NamedList:
        """Mark a line as done, or as to do; without ``done`` as what it is not."""

        def work(connection: Connection) -> NamedList:
            row = _find(connection, name, by, where)
            value = ~list_items.c.done if done is None else done
            changed = connection.execute(
                update(list_items).where(_line(row, number)).values(done=value)
            )
            _one(changed.rowcount, number)
            return _with_items(connection, row)

        return await self._change(work)

    async def remove(
        self, name: str, number: int | None, *, by: Author, where: ConversationId
    ) -> NamedList:
        """Take a line off a list; without a number all that are done."""

        def work(connection: Connection) -> NamedList:
            row = _find(connection, name, by, where)
            gone = (
                (list_items.c.list_id == row["id"]) & list_items.c.done
                if number is None
                else _line(row, number)
            )
            count = connection.execute(delete(list_items).where(gone)).rowcount
            if number is not None:
                _one(count, number)
            return _with_items(connection, row)

        return await self._change(work)

    async def delete(self, name: str, *, by: Author, role: Role, where: ConversationId) -> None:
        """Delete a list. Raises ``NotAllowed`` for another's shared list, below moderator."""

        def work(connection: Connection) -> None:
            row = _find(connection, name, by, where)
            if row["owner"] != str(by.id) and role < Role.MODERATOR:
                raise NotAllowed(
                    "list_owner", "Only who made the list, and moderators, can delete it."
                )
            connection.execute(delete(list_items).where(list_items.c.list_id == row["id"]))
            connection.execute(delete(lists).where(lists.c.id == row["id"]))

        await self._change(work)

    def _made(
        self, connection: Connection, name: str, by: Author, where: ConversationId, *, shared: bool
    ) -> RowMapping:
        mine = lists.c.owner == str(by.id)
        if connection.execute(select(func.count()).where(mine)).scalar_one() >= MOST_LISTS:
            raise TooMany(
                "lists_full", f"You have {MOST_LISTS} lists; delete some.", retry_after=0.0
            )
        made = connection.execute(
            insert(lists)
            .values(
                owner=str(by.id),
                place=place_of(where),
                name=name,
                shared=shared,
                last=0,
                created_at=self._clock.now(),
            )
            .returning(lists)
        )
        return made.mappings().one()

    async def _change(self, work: Callable[[Connection], T]) -> T:
        async with self._database.transaction() as tx:
            return await tx.run(work)


def _within(by: Author, where: ConversationId) -> Any:  # noqa: ANN401  a condition
    return (lists.c.place == place_of(where)) & (lists.c.shared | (lists.c.owner == str(by.id)))


def _found(
    connection: Connection, name: str, by: Author, where: ConversationId
) -> RowMapping | None:
    own_first = (lists.c.owner != str(by.id), lists.c.id)
    query = select(lists).where(_within(by, where), lists.c.name == checked_name(name))
    return connection.execute(query.order_by(*own_first).limit(1)).mappings().one_or_none()


def _find(connection: Connection, name: str, by: Author, where: ConversationId) -> RowMapping:
    row = _found(connection, name, by, where)
    if row is None:
        raise NotFound("list_unknown", f"There is no list called {name[:40]} here.")
    return row


def _line(row: RowMapping, number: int) -> Any:  # noqa: ANN401  a condition
    if not 0 < number < 2**31:
        raise InvalidRequest("list_line", "Lines are numbered from 1.")
    return (list_items.c.list_id == row["id"]) & (list_items.c.number == number)


def _one(count: int, number: int) -> None:
    if not count:
        raise NotFound("list_line", f"There is no line {number} in that list.")


def _with_items(connection: Connection, row: RowMapping) -> NamedList:
    query = select(list_items).where(list_items.c.list_id == row["id"])
    items = connection.execute(query.order_by(list_items.c.done, list_items.c.number)).mappings()
    return NamedList(
        name=row["name"],
        shared=row["shared"],
        items=[Item(item["number"], item["text"], item["done"]) for item in items],
    )
