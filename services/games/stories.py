"""Stories: people take turns writing, and a character goes on now and then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, RowMapping, func, insert, select

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import ConversationId
from services.domain.people import Author, Role
from services.games import story_rows as rows
from services.games.story import (
    LONGEST_PART,
    LONGEST_TITLE,
    LONGEST_TURN,
    MOST_EVERY,
    MOST_PARTS,
    Story,
    as_markdown,
)
from services.games.storyteller import Speaker, Storyteller
from services.games.tables import stories
from services.games.values import written
from services.memory.scope import place_of
from services.storage.database import Database

T = TypeVar("T")

_SHOWN = 6
_TOLD = 12
_LISTED = 20


class Stories:
    """Keeps stories, one open in each conversation, numbered per place.

    Only writers may write, in turn; once a turn has lasted its minutes, any of them may. Raises
    ``NotFound`` where no story is written.
    """

    def __init__(self, *, database: Database, clock: Clock, storyteller: Storyteller) -> None:
        self._database = database
        self._clock = clock
        self._storyteller = storyteller

    async def start(
        self, title: str, *, by: Author, where: ConversationId, every: int = 4, minutes: int = 60
    ) -> Story:
        """Start a story; whoever starts it writes first. Raises ``InvalidRequest``."""
        named = " ".join(written(title, longest=LONGEST_TITLE, what="a title").split())
        if not 0 <= every <= MOST_EVERY or not 1 <= minutes <= LONGEST_TURN:
            raise InvalidRequest(
                "story_rules",
                f"The character goes on after 0 to {MOST_EVERY} parts; a turn lasts 1 to "
                f"{LONGEST_TURN} minutes.",
            )

        def work(connection: Connection) -> Story:
            place, now = place_of(where), self._clock.now()
            running = select(stories.c.id).where(
                stories.c.conversation == str(where), stories.c.ended_at.is_(None)
            )
            if connection.execute(running).first() is not None:
                raise InvalidRequest("story_running", "A story is written here; join or end it.")
            rows.make_room(connection, place)
            last = connection.execute(
                select(func.coalesce(func.max(stories.c.number), 0)).where(stories.c.place == place)
            ).scalar_one()
            made = connection.execute(
                insert(stories)
                .values(
                    place=place,
                    conversation=str(where),
                    number=last + 1,
                    title=named,
                    started_by=str(by.id),
                    every=every,
                    minutes=minutes,
                    turn=str(by.id),
                    turn_since=now,
                    since_character=0,
                    created_at=now,
                )
                .returning(stories)
            )
            row = made.mappings().one()
            rows.join(connection, row["id"], by)
            return rows.view(connection, row, most=_SHOWN)

        return await self._change(work)

    async def join(self, *, by: Author, where: ConversationId) -> Story:
        """Take turns from now on, as the last in order; raises ``TooMany``."""

        def work(connection: Connection) -> Story:
            row = rows.open_story(connection, where)
            rows.join(connection, row["id"], by)
            return self._shown(connection, where)

        return await self._change(work)

    async def add(self, text: str, *, by: Author, where: ConversationId) -> tuple[Story, bool]:
        """Write a part and tell whether a character is to go on now, as ``go_on`` does.

        Raises ``InvalidRequest`` for a text that is empty or too long, ``NotAllowed`` out of turn.
        """
        part = written(text, longest=LONGEST_PART, what="how it goes on")

        def work(connection: Connection) -> tuple[Story, bool]:
            row, now = rows.open_story(connection, where), self._clock.now()
            self._refuse_out_of_turn(connection, row, by)
            rows.add_part(connection, row["id"], part, name=by.display_name, account=by.id)
            rows.pass_turn(connection, row, after=str(by.id), now=now)
            since = row["since_character"] + 1
            due = 0 < row["every"] <= since
            rows.change(connection, row["id"], since_character=0 if due else since)
            return self._shown(connection, where), due

        return await self._change(work)

    async def go_on(self, speaker: Speaker, *, where: ConversationId) -> Story | None:
        """Let a character write a part; ``None`` when it had nothing to say in time."""
        story = await self._see(
            lambda seen: rows.view(seen, rows.open_story(seen, where), most=_TOLD)
        )
        if story.written >= MOST_PARTS:
            return None
        text = await self._storyteller.go_on(story, speaker, tenant=place_of(where))
        if not text:
            return None

        def work(connection: Connection) -> Story:
            row = rows.open_story(connection, where)
            if row["number"] != story.number:
                raise NotFound("story_none", "That story has ended.")
            rows.add_part(
                connection, row["id"], text[:LONGEST_PART], name=speaker.name, account=None
            )
            return self._shown(connection, where)

        return await self._change(work)

    async def skip(self, *, by: Author, role: Role, where: ConversationId) -> Story:
        """Pass the turn on.

        Raises ``NotAllowed`` for others than whose turn it is and who started it, below moderator.
        """

        def work(connection: Connection) -> Story:
            row = rows.open_story(connection, where)
            if str(by.id) not in {row["turn"], row["started_by"]} and role < Role.MODERATOR:
                raise NotAllowed(
                    "story_turn", "Only whose turn it is, who started it and moderators can skip."
                )
            rows.pass_turn(connection, row, after=row["turn"], now=self._clock.now())
            return self._shown(connection, where)

        return await self._change(work)

    async def end(self, *, by: Author, role: Role, where: ConversationId) -> Story:
        """End the story. Raises ``NotAllowed`` for others than who started it, below moderator."""

        def work(connection: Connection) -> Story:
            row = rows.open_story(connection, where)
            if row["started_by"] != str(by.id) and role < Role.MODERATOR:
                raise NotAllowed("story_owner", "Only who started it, and moderators, can end it.")
            rows.change(connection, row["id"], ended_at=self._clock.now())
            again = rows.numbered(connection, row["number"], where)
            return rows.view(connection, again, most=_SHOWN)

        return await self._change(work)

    async def show(self, *, where: ConversationId, number: int | None = None) -> Story:
        """Return a story of the place, the open one here without a number."""
        return await self._see(
            lambda seen: rows.view(seen, _meant(seen, where, number), most=_SHOWN)
        )

    async def listed(self, *, where: ConversationId) -> Sequence[Story]:
        """Return the newest 20 stories of the place."""
        query = select(stories).where(stories.c.place == place_of(where))
        newest = query.order_by(stories.c.number.desc()).limit(_LISTED)
        return await self._see(
            lambda seen: [
                rows.view(seen, row, most=1) for row in seen.execute(newest).mappings().all()
            ]
        )

    async def export(self, *, where: ConversationId, number: int | None = None) -> str:
        """Return a whole story as Markdown."""
        whole = await self._see(
            lambda seen: rows.view(seen, _meant(seen, where, number), most=MOST_PARTS)
        )
        return as_markdown(whole)

    def _refuse_out_of_turn(self, connection: Connection, row: RowMapping, by: Author) -> None:
        story = rows.view(connection, row, most=1)
        if by.id not in [one.account for one in story.writers]:
            raise NotAllowed("story_writer", "Join the story first.")
        waits = self._clock.now() < story.turn_until
        if story.turn is not None and story.turn.account != by.id and waits:
            raise NotAllowed("story_turn", f"It is the turn of {story.turn.name}.")

    def _shown(self, connection: Connection, where: ConversationId) -> Story:
        return rows.view(connection, rows.open_story(connection, where), most=_SHOWN)

    async def _see(self, work: Callable[[Connection], T]) -> T:
        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def _change(self, work: Callable[[Connection], T]) -> T:
        async with self._database.transaction() as tx:
            return await tx.run(work)


def _meant(connection: Connection, where: ConversationId, number: int | None) -> RowMapping:
    if number is None:
        return rows.open_story(connection, where)
    return rows.numbered(connection, number, where)
