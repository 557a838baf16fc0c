"""What other services keep of people and places, so that it is exported and forgotten with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection

from services.domain.ids import AuthorId


class Holding(Protocol):
    """Rows of one kind that somebody owns, found by the accounts of a person or by a place.

    A place is written ``platform:scope``. All methods work inside the caller's transaction.
    """

    @property
    def name(self) -> str:
        """What the rows are called, in receipts and exports."""
        ...

    def of_person(
        self, connection: Connection, accounts: Collection[AuthorId], /
    ) -> Sequence[Mapping[str, object]]:
        """Return everything of the person with ``accounts``, as JSON values."""
        ...

    def erase_person(self, connection: Connection, accounts: Collection[AuthorId], /) -> int:
        """Delete what belongs to the person, take them out of what belongs to others; count it."""
        ...

    def erase_place(self, connection: Connection, place: str, /) -> int:
        """Delete everything of a place and return how many rows that were."""
        ...
