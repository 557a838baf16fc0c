"""Stories as rows; all functions work inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from services.domain.errors import NotFound, Refused, TooMany
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author
from services.games.story import MOST_PARTS, MOST_WRITERS, Part, Story, Writer
from services.games.tables import stories, story_parts, story_writers
from services.games.values import named
from services.memory.scope import place_of

KEPT_STORIES = 50
"""Ended stories a place keeps."""


def open_story(connection: Connection, where: ConversationId) -> RowMapping:
    """Return the story that is written in a conversation; raises ``NotFound``."""
    query = select(stories).where(
        stories.c.conversation == str(where), stories.c.ended_at.is_(None)
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("story_none", "No story is written here; start one.")
    return row


def numbered(connection: Connection, number: int, where: ConversationId) -> RowMapping:
    """Return a story of a place by its number; raises ``NotFound``."""
    query = select(stories).where(stories.c.place == place_of(where), stories.c.number == number)
    row = connection.execute(query).mappings().one_or_none() if 0 < number < 2**31 else None
    if row is None:
        raise NotFound("story_unknown", "There is no such story here.")
    return row


def writers_of(connection: Connection, story: int) -> Sequence[Writer]:
    """Return who takes turns, in their order."""
    query = select(story_writers).where(story_writers.c.story_id == story)
    found = connection.execute(query.order_by(story_writers.c.position)).mappings()
    return [Writer(account=AuthorId.parse(row["account"]), name=row["name"]) for row in found]


def view(connection: Connection, row: RowMapping, *, most: int) -> Story:
    """Return a story with its newest ``most`` parts."""
    writers = writers_of(connection, row["id"])
    mine = story_parts.c.story_id == row["id"]
    newest = select(story_parts).where(mine).order_by(story_parts.c.number.desc()).limit(most)
    parts = [
        Part(name=one["name"], text=one["text"], mine=one["account"] is None)
        for one in connection.execute(newest).mappings()
    ]
    count = connection.execute(select(func.count()).where(mine)).scalar_one()
    return Story(
        number=row["number"],
        title=row["title"],
        every=row["every"],
        minutes=row["minutes"],
        writers=writers,
        turn=next((one for one in writers if str(one.account) == row["turn"]), None),
        turn_until=row["turn_since"] + timedelta(minutes=row["minutes"]),
        parts=parts[::-1],
        written=count,
        ended=row["ended_at"] is not None,
    )


def make_room(connection: Connection, place: str) -> None:
    """Delete the oldest ended stories beyond those that are kept."""
    ended = (stories.c.place == place) & stories.c.ended_at.is_not(None)
    old = connection.execute(
        select(stories.c.id).where(ended).order_by(stories.c.number.desc()).offset(KEPT_STORIES)
    ).scalars()
    gone = list(old)
    for table in (story_parts, story_writers):
        connection.execute(delete(table).where(table.c.story_id.in_(gone)))
    connection.execute(delete(stories).where(stories.c.id.in_(gone)))


def join(connection: Connection, story: int, by: Author) -> None:
    """Let somebody take turns, once; raises ``TooMany`` with 20 writers."""
    writers = writers_of(connection, story)
    if by.id in [one.account for one in writers]:
        return
    if len(writers) >= MOST_WRITERS:
        raise TooMany("story_writers", f"{MOST_WRITERS} people write already.", retry_after=0.0)
    mine = story_writers.c.story_id == story
    last = connection.execute(select(func.max(story_writers.c.position)).where(mine)).scalar_one()
    connection.execute(
        insert(story_writers).values(
            story_id=story,
            account=str(by.id),
            name=named(by.display_name),
            position=(last or 0) + 1,
        )
    )


def add_part(
    connection: Connection, story: int, text: str, *, name: str, account: AuthorId | None
) -> None:
    """Add a part; raises ``Refused`` with 300."""
    mine = story_parts.c.story_id == story
    last = connection.execute(select(func.max(story_parts.c.number)).where(mine)).scalar_one() or 0
    if last >= MOST_PARTS:
        raise Refused("story_full", f"The story has {MOST_PARTS} parts; end it and start another.")
    connection.execute(
        insert(story_parts).values(
            story_id=story,
            number=last + 1,
            account=None if account is None else str(account),
            name=named(name),
            text=text,
        )
    )


def pass_turn(connection: Connection, row: RowMapping, *, after: str | None, now: datetime) -> None:
    """Give the turn to whoever comes after the account ``after``."""
    accounts = [str(one.account) for one in writers_of(connection, row["id"])]
    place = accounts.index(after) + 1 if after in accounts else 0
    turn = accounts[place % len(accounts)] if accounts else None
    change(connection, row["id"], turn=turn, turn_since=now)


def change(connection: Connection, story: int, **values: object) -> None:
    """Change a story."""
    connection.execute(update(stories).where(stories.c.id == story).values(**values))
