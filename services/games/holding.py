"""What is kept of people in games, and taking it away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, select, update

from services.domain.ids import AuthorId
from services.games.tables import (
    dilemma_votes,
    dilemmas,
    stories,
    story_parts,
    story_writers,
    trivia_answers,
    trivia_games,
    trivia_players,
    trivia_scores,
)

_NOBODY = "somebody"
_GONE = "…"


class GameHolding:
    """Scores, answers and votes go; stories stay, without the person's words and name."""

    name = "games"

    def of_person(
        self, connection: Connection, accounts: Collection[AuthorId], /
    ) -> Sequence[Mapping[str, object]]:
        """Return the person's scores, votes and parts of stories, as JSON values."""
        who = [str(one) for one in accounts]
        mine = select(trivia_scores).where(trivia_scores.c.account.in_(who))
        hidden = {"account", "place"}
        found: list[Mapping[str, object]] = [
            {"trivia": {key: value for key, value in row.items() if key not in hidden}}
            for row in connection.execute(mine).mappings()
        ]
        votes = (
            select(dilemmas.c.first, dilemmas.c.second, dilemma_votes.c.option)
            .join(dilemmas, dilemmas.c.id == dilemma_votes.c.dilemma_id)
            .where(dilemma_votes.c.account.in_(who))
        )
        found += [{"dilemma": list(row[:2]), "vote": row[2]} for row in connection.execute(votes)]
        parts = (
            select(stories.c.title, story_parts.c.text)
            .join(stories, stories.c.id == story_parts.c.story_id)
            .where(story_parts.c.account.in_(who))
            .order_by(stories.c.id, story_parts.c.number)
        )
        return found + [{"story": row[0], "part": row[1]} for row in connection.execute(parts)]

    def erase_person(self, connection: Connection, accounts: Collection[AuthorId], /) -> int:
        """Delete and take out of what stays; return how many rows that changed."""
        who = [str(one) for one in accounts]
        tables = (trivia_answers, trivia_players, trivia_scores, dilemma_votes, story_writers)
        gone = [delete(one).where(one.c.account.in_(who)) for one in tables]
        changed = [
            update(trivia_games).where(trivia_games.c.started_by.in_(who)).values(started_by=None),
            update(stories).where(stories.c.started_by.in_(who)).values(started_by=None),
            update(stories).where(stories.c.turn.in_(who)).values(turn=None),
            update(story_parts)
            .where(story_parts.c.account.in_(who))
            .values(account=None, name=_NOBODY, text=_GONE),
        ]
        return sum(connection.execute(each).rowcount for each in [*gone, *changed])

    def erase_place(self, connection: Connection, place: str, /) -> int:
        """Delete every game, score and story of the place."""
        count = 0
        owned = (
            (trivia_games, (trivia_answers, trivia_players), "game_id"),
            (dilemmas, (dilemma_votes,), "dilemma_id"),
            (stories, (story_parts, story_writers), "story_id"),
        )
        for table, below, key in owned:
            held = select(table.c.id).where(table.c.place == place)
            for each in below:
                gone = delete(each).where(each.c[key].in_(held))
                count += connection.execute(gone).rowcount
            count += connection.execute(delete(table).where(table.c.place == place)).rowcount
        scores = delete(trivia_scores).where(trivia_scores.c.place == place)
        return count + connection.execute(scores).rowcount
