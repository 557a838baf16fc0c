"""Accounts and the people behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from services.domain.errors import NotFound
from services.domain.ids import AuthorId, IdSource, PersonId
from services.domain.people import Author, AuthorKind
from services.people.merging import merge_people
from services.storage.cache import RecentCache
from services.storage.database import Snapshot, Transaction
from services.storage.tables import accounts, people

_CACHED_ACCOUNTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account of a person."""

    id: AuthorId
    person: PersonId
    display_name: str
    kind: AuthorKind
    linked_at: datetime


class PeopleRepository:
    """Keeps people inside the caller's transaction; accounts seen before cost no query."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._known: RecentCache[AuthorId, tuple[PersonId, str]] = RecentCache(_CACHED_ACCOUNTS)

    async def ensure(self, tx: Transaction, author: Author, *, at: datetime) -> PersonId:
        """Return who an account belongs to: a new person at first sight; its name is kept fresh."""
        known = self._known.get(author.id)
        if known is not None and known[1] == author.display_name:
            return known[0]
        person = await tx.run(self._ensure, author, at)
        tx.on_commit(lambda: self._known.keep(author.id, (person, author.display_name)))
        return person

    async def accounts(self, snapshot: Snapshot, person: PersonId) -> list[Account]:
        """Return a person's accounts, the first linked first."""

        def work(connection: Connection) -> list[Account]:
            rows = connection.execute(
                select(accounts)
                .where(accounts.c.person_id == person)
                .order_by(accounts.c.linked_at, accounts.c.platform, accounts.c.user)
            ).mappings()
            return [
                Account(
                    id=AuthorId(row["platform"], row["user"]),
                    person=person,
                    display_name=row["display_name"],
                    kind=AuthorKind(row["kind"]),
                    linked_at=row["linked_at"],
                )
                for row in rows
            ]

        return await snapshot.run(work)

    async def owner(self, snapshot: Snapshot, account: AuthorId) -> PersonId:
        """Return whose account it is. Raises ``NotFound`` for one never seen."""
        return await snapshot.run(_owner, account)

    async def link(self, tx: Transaction, first: AuthorId, second: AuthorId) -> PersonId:
        """Make two accounts one person, with all that either is linked to; returns that person.

        The first account's person remains, and its settings where both chose; call
        ``ScopedSettings.refresh`` afterwards. That both agreed is for the caller to
        have checked. Raises ``NotFound`` for an account never seen.
        """

        def work(connection: Connection) -> PersonId:
            kept, merged = _owner(connection, first), _owner(connection, second)
            if kept != merged:
                merge_people(connection, kept, merged)
            return kept

        kept = await tx.run(work)
        tx.on_commit(self._known.clear)
        return kept

    def refresh(self) -> None:
        """Read anew whose accounts are whose from now on; for changes made past this class."""
        self._known.clear()

    def _ensure(self, connection: Connection, author: Author, at: datetime) -> PersonId:
        here = (accounts.c.platform == author.id.platform) & (accounts.c.user == author.id.user)
        found = connection.execute(
            select(accounts.c.person_id, accounts.c.display_name).where(here)
        ).one_or_none()
        if found is not None:
            if found[1] != author.display_name:
                connection.execute(
                    update(accounts).where(here).values(display_name=author.display_name)
                )
            return PersonId(found[0])
        person = PersonId(self._ids.new())
        connection.execute(
            insert(people).values(id=person, display_name=author.display_name, created_at=at)
        )
        connection.execute(
            insert(accounts).values(
                platform=author.id.platform,
                user=author.id.user,
                person_id=person,
                display_name=author.display_name,
                kind=author.kind.value,
                linked_at=at,
            )
        )
        return person


def _owner(connection: Connection, account: AuthorId) -> PersonId:
    found = connection.execute(
        select(accounts.c.person_id).where(
            accounts.c.platform == account.platform, accounts.c.user == account.user
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("account_unknown", f"The account {account} has not been seen here yet.")
    return PersonId(found)
