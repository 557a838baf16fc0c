"""What people choose for themselves, found by any of their accounts."""

from __future__ import annotations

from typing import TypeVar

from services.domain.errors import NotFound
from services.domain.ids import AuthorId, PersonId
from services.domain.people import Author, AuthorKind, Role
from services.people.repository import PeopleRepository
from services.people.scopes import Asker, Scope, ScopedSetting, ScopedSettings
from services.storage.database import Database

T = TypeVar("T")


class OwnChoices:
    """Reads and keeps the settings of people; each holds for all accounts of the person."""

    def __init__(
        self, scopes: ScopedSettings, *, database: Database, people: PeopleRepository
    ) -> None:
        self._scopes = scopes
        self._database = database
        self._people = people

    async def of(self, setting: ScopedSetting[T], account: AuthorId) -> T:
        """Return what whoever has an account chose; the default for one never seen."""
        try:
            person = await self.person(account)
        except NotFound:
            return setting.default
        return await self.of_person(setting, person)

    async def of_person(self, setting: ScopedSetting[T], person: PersonId) -> T:
        """Return what a person chose, or the default."""
        return await self._scopes.own(setting, person)

    async def of_author(self, setting: ScopedSetting[T], author: Author | None) -> T:
        """Do ``of`` for an author; machines choose nothing."""
        if author is None or author.kind is not AuthorKind.HUMAN:
            return setting.default
        if author.person is None:
            return await self.of(setting, author.id)
        return await self.of_person(setting, author.person)

    async def choose(self, setting: ScopedSetting[T], account: AuthorId, value: T | None) -> None:
        """Store a choice, or forget it with ``None``; raises ``NotFound`` for one never seen."""
        person = await self.person(account)
        asker = Asker(account=account, role=Role.MEMBER, person=person)
        here = Scope.user(person)
        if value is None:
            await self._scopes.unset(setting, here, asker=asker)
        else:
            await self._scopes.set(setting, here, value, asker=asker)

    async def person(self, account: AuthorId) -> PersonId:
        """Return who has an account; raises ``NotFound`` for one never seen."""
        try:
            async with self._database.reader() as snapshot:
                return await self._people.owner(snapshot, account)
        except NotFound:
            raise NotFound(
                "person_unknown", "Say something first, so that you are known."
            ) from None
