"""Would you rather: two things, and everybody says which."""

from __future__ import annotations

import asyncio
import random
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, RowMapping, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import ConversationId
from services.domain.people import Author
from services.games.tables import dilemma_votes, dilemmas
from services.games.values import Dilemma
from services.memory.scope import place_of
from services.storage.database import Database

T = TypeVar("T")

THEMES = ("everyday", "food", "travel", "powers", "fantasy", "technology")

_FILE = Path(__file__).with_name("dilemmas.toml")
_KEPT = 20


class Dilemmas:
    """Asks dilemmas of our own, numbered per place, and counts one vote for each person.

    The newest 20 of a place can be voted on; older ones are gone.
    """

    def __init__(self, *, database: Database, clock: Clock, rng: random.Random) -> None:
        self._database = database
        self._clock = clock
        self._rng = rng

    async def drawn(self, theme: str = "") -> tuple[str, str, str]:
        """Return a theme and its two things, asked of nobody; raises ``InvalidRequest``."""
        wanted = theme.strip().casefold()
        if wanted not in {*THEMES, "", "any"}:
            raise InvalidRequest("dilemma_theme", f"Choose of these themes: {', '.join(THEMES)}.")
        shipped = await asyncio.to_thread(_shipped)
        chosen = wanted if wanted in THEMES else self._rng.choice(THEMES)
        first, second = self._rng.choice(shipped[chosen])
        return chosen, first, second

    async def ask(self, theme: str = "", *, by: Author, where: ConversationId) -> Dilemma:
        """Ask everybody a dilemma that is not among the last ones here, where there is one."""
        drawn = await self.drawn(theme)
        known = await self._see(lambda seen: _firsts(seen, place_of(where)))
        for _ in range(_KEPT):
            if drawn[1] not in known:
                break
            drawn = await self.drawn(theme)
        chosen, first, second = drawn

        def work(connection: Connection) -> Dilemma:
            here = dilemmas.c.place == place_of(where)
            last = connection.execute(
                select(func.coalesce(func.max(dilemmas.c.number), 0)).where(here)
            ).scalar_one()
            made = connection.execute(
                insert(dilemmas)
                .values(
                    place=place_of(where),
                    number=last + 1,
                    theme=chosen,
                    first=first,
                    second=second,
                    created_at=self._clock.now(),
                )
                .returning(dilemmas)
            )
            row = made.mappings().one()
            old = select(dilemmas.c.id).where(here, dilemmas.c.number <= last + 1 - _KEPT)
            connection.execute(delete(dilemma_votes).where(dilemma_votes.c.dilemma_id.in_(old)))
            connection.execute(delete(dilemmas).where(here, dilemmas.c.number <= last + 1 - _KEPT))
            return _dilemma(connection, row)

        return await self._change(work)

    async def vote(self, number: int, option: int, *, by: Author, where: ConversationId) -> Dilemma:
        """Vote for the first or the second; another vote takes the place of one's last.

        Raises ``NotFound`` and ``InvalidRequest``.
        """
        if option not in {1, 2}:
            raise InvalidRequest("dilemma_option", "Vote for 1 or 2.")

        def work(connection: Connection) -> Dilemma:
            row = _find(connection, number, where)
            connection.execute(
                upsert(dilemma_votes)
                .values(dilemma_id=row["id"], account=str(by.id), option=option)
                .on_conflict_do_update(
                    index_elements=["dilemma_id", "account"], set_={"option": option}
                )
            )
            return _dilemma(connection, row)

        return await self._change(work)

    async def latest(self, *, where: ConversationId) -> Dilemma:
        """Return the newest of the place; raises ``NotFound``."""

        def work(connection: Connection) -> Dilemma:
            last = connection.execute(
                select(func.max(dilemmas.c.number)).where(dilemmas.c.place == place_of(where))
            ).scalar_one_or_none()
            return _dilemma(connection, _find(connection, last or 0, where))

        return await self._see(work)

    async def _see(self, work: Callable[[Connection], T]) -> T:
        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def _change(self, work: Callable[[Connection], T]) -> T:
        async with self._database.transaction() as tx:
            return await tx.run(work)


def _firsts(connection: Connection, place: str) -> frozenset[str]:
    query = select(dilemmas.c.first).where(dilemmas.c.place == place)
    return frozenset(connection.execute(query).scalars())


def _find(connection: Connection, number: int, where: ConversationId) -> RowMapping:
    query = select(dilemmas).where(dilemmas.c.place == place_of(where), dilemmas.c.number == number)
    row = connection.execute(query).mappings().one_or_none() if 0 < number < 2**31 else None
    if row is None:
        raise NotFound("dilemma_unknown", "That question is over; ask a new one.")
    return row


def _dilemma(connection: Connection, row: RowMapping) -> Dilemma:
    cast = connection.execute(
        select(dilemma_votes.c.option).where(dilemma_votes.c.dilemma_id == row["id"])
    ).scalars()
    counted = Counter(cast)
    return Dilemma(
        number=row["number"],
        theme=row["theme"],
        first=row["first"],
        second=row["second"],
        votes=(counted[1], counted[2]),
    )


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Sequence[tuple[str, str]]]:
    read = tomllib.loads(_FILE.read_text("utf-8"))
    return {theme: [(first, second) for first, second in read[theme]] for theme in THEMES}
