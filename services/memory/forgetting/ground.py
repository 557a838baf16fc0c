"""What erasing works on, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.ids import AuthorId, IdSource, PersonId
from services.memory.forgetting.holdings import Holding
from services.memory.recollections import Vectorizer
from services.storage.blobs import BlobStore
from services.storage.database import Database

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Whose words are gone, for those who hold some in memory; all ``conversations`` changed.

    ``person`` is ``None`` when only some messages were forgotten, or a place, of which nothing
    may stay.
    """

    person: PersonId | None
    accounts: tuple[AuthorId, ...]
    conversations: frozenset[str]
    place: str | None = None


class Live(Protocol):
    """What the process holds in memory of conversations and people."""

    async def hush(self, conversations: Collection[str], /) -> None:
        """Let no answer run in ``conversations`` when this returns."""
        ...

    def forget(self, forgotten: Forgotten, /) -> None:
        """Drop what was read before; called in the moment in which changes are stored."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What erasing works on; ``vocabulary`` yields texts that are nobody's own.

    ``holdings`` are what other services keep of people and places.
    """

    database: Database
    blobs: BlobStore
    data: Path
    backups: Path
    clock: Clock
    ids: IdSource
    index: Vectorizer | None = None
    live: Live | None = None
    vocabulary: Callable[[], Iterable[str]] | None = None
    holdings: Sequence[Holding] = ()

    async def read(
        self, task: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``task`` on a snapshot."""
        async with self.database.reader() as snapshot:
            return await snapshot.run(task, *args, **kwargs)
