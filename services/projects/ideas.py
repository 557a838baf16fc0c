"""Ideas: kept until somebody makes a project of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from sqlalchemy import Connection

from services.domain.clock import Clock
from services.domain.errors import NotFound, Refused
from services.projects.idea_rows import (
    add_idea,
    count_unused,
    idea_in,
    ideas_in,
    remove_idea,
    unused_number,
)
from services.projects.projects import NewProject, Outcome, Projects
from services.projects.records import Idea
from services.projects.rules import LONGEST_DESCRIPTION, LONGEST_TITLE, Asker, lines_of, one_line
from services.storage.database import Database

MOST_IDEAS = 500
"""Unused ideas a place may have."""
PAGE = 25
"""Ideas listed at once."""


class Ideas:
    """Keeps the ideas of each place apart: a number means nothing anywhere else.

    Members add them and make projects of them; whoever had an idea and moderators delete it.
    Everything else raises ``NotAllowed``, unknown numbers ``NotFound``.
    """

    def __init__(
        self, *, database: Database, clock: Clock, rng: random.Random, projects: Projects
    ) -> None:
        self._database = database
        self._clock = clock
        self._rng = rng
        self._projects = projects

    async def add(self, asker: Asker, title: str, description: str = "") -> Idea:
        """Keep an idea; raises ``Refused`` when the place has too many unused ones."""
        asker.need_member()
        title = one_line(title, longest=LONGEST_TITLE, what="An idea")
        what = "The description"
        description = lines_of(description, longest=LONGEST_DESCRIPTION, what=what)

        def work(connection: Connection) -> Idea:
            if count_unused(connection, asker.place) >= MOST_IDEAS:
                raise Refused("idea_limit", f"There are {MOST_IDEAS} ideas here; use some first.")
            return add_idea(
                connection, asker, title=title, description=description, at=self._clock.now()
            )

        async with self._database.steps() as steps:
            return await steps.run(work)

    async def listed(self, asker: Asker, *, unused: bool = False, page: int = 1) -> Sequence[Idea]:
        """Return a page of 25 ideas, the newest first; with ``unused`` only those to be had."""

        def work(connection: Connection) -> Sequence[Idea]:
            offset = (page - 1) * PAGE
            return ideas_in(connection, asker.place, unused=unused, limit=PAGE, offset=offset)

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def random(self, asker: Asker) -> Idea:
        """Return any unused idea; raises ``NotFound`` when there is none."""

        def work(connection: Connection) -> Idea:
            count = count_unused(connection, asker.place)
            if not count:
                raise NotFound("idea_none", "There are no ideas to choose from; add one first.")
            number = unused_number(connection, asker.place, self._rng.randrange(count))
            return idea_in(connection, asker.place, number)

        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def pick(self, asker: Asker, number: int, *, thread: bool = False) -> Outcome:
        """Start a project out of an idea, which is used from then on; see ``Projects.start``."""
        async with self._database.reader() as snapshot:
            idea = await snapshot.run(idea_in, asker.place, number)
        new = NewProject(title=idea.title, description=idea.description, idea=number)
        return await self._projects.start(asker, new, thread=thread)

    async def remove(self, asker: Asker, number: int) -> Idea:
        """Delete an idea and return what it was."""

        def work(connection: Connection) -> Idea:
            idea = idea_in(connection, asker.place, number)
            asker.need_among((idea.author,), "whoever had it")
            remove_idea(connection, asker.place, number)
            return idea

        async with self._database.transaction() as tx:
            return await tx.run(work)
