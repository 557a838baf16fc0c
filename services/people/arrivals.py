"""People become known by what they ask for, not only by what they say."""

from __future__ import annotations

from services.domain.clock import Clock
from services.domain.ids import PersonId
from services.domain.people import Author
from services.people.repository import PeopleRepository
from services.storage.database import Database


class Arrivals:
    """Makes sure that whoever uses a command has a person to their account."""

    def __init__(self, *, database: Database, people: PeopleRepository, clock: Clock) -> None:
        self._database = database
        self._people = people
        self._clock = clock

    async def note(self, author: Author) -> PersonId:
        """Return whose account it is, a new person's at first sight. Raises ``StorageError``."""
        async with self._database.steps() as steps:
            return await self._people.ensure(steps, author, at=self._clock.now())
