"""Games of trivia as rows; all functions work inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    delete,
    false,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from services.domain.errors import InvalidRequest, NotFound, TooMany
from services.domain.ids import ConversationId
from services.domain.people import Author
from services.games.questions import Question
from services.games.tables import trivia_answers, trivia_games, trivia_players, trivia_scores
from services.games.values import Closed, Player, TriviaGame, named

MOST_PLAYERS = 100

_SET_BACK = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def running(connection: Connection, where: ConversationId) -> RowMapping:
    """Return the game that runs in a conversation; raises ``NotFound``."""
    query = select(trivia_games).where(trivia_games.c.conversation == str(where))
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("trivia_none", "No game of trivia runs here; start one.")
    return row


def question_of(row: RowMapping) -> Question:
    """Return the question that is asked."""
    return Question.from_json(row["questions"][row["number"] - 1])


def stamp_of(row: RowMapping) -> int:
    """Return what tells a question apart from others of its channel: its moment and number."""
    since: timedelta = row["asked_at"] - _EPOCH
    return since // timedelta(milliseconds=1) * 100 + int(row["number"])


def players_of(connection: Connection, game: int) -> Sequence[Player]:
    """Return who plays, the best first."""
    order = (trivia_players.c.points.desc(), trivia_players.c.name)
    query = select(trivia_players).where(trivia_players.c.game_id == game).order_by(*order)
    return [
        Player(name=row["name"], points=row["points"], right=row["right"])
        for row in connection.execute(query).mappings()
    ]


def view(connection: Connection, row: RowMapping) -> TriviaGame:
    """Return a game as it is shown."""
    return TriviaGame(
        where=ConversationId.parse(row["conversation"]),
        number=row["number"],
        count=len(row["questions"]),
        question=question_of(row),
        stamp=stamp_of(row),
        seconds=round((row["ends_at"] - row["asked_at"]).total_seconds()),
        ends_at=row["ends_at"],
        players=players_of(connection, row["id"]),
    )


def join(connection: Connection, game: int, by: Author) -> bool:
    """Let somebody play and tell whether that is new. Raises ``TooMany`` with 100 players."""
    account = str(by.id)
    here = connection.execute(
        select(trivia_players.c.account).where(trivia_players.c.game_id == game)
    ).scalars()
    known = set(here)
    if account in known:
        return False
    if len(known) >= MOST_PLAYERS:
        raise TooMany(
            "trivia_players", f"{MOST_PLAYERS} people play already; join the next.", retry_after=0.0
        )
    connection.execute(
        insert(trivia_players).values(
            game_id=game, account=account, name=named(by.display_name), points=0, right=0
        )
    )
    return True


def streak_of(connection: Connection, place: str, account: str) -> int:
    """Return how many answers in a row were right."""
    query = select(trivia_scores.c.streak).where(
        trivia_scores.c.place == place, trivia_scores.c.account == account
    )
    return connection.execute(query).scalar_one_or_none() or 0


def keep_answer(
    connection: Connection, row: RowMapping, account: str, *, option: int, points: int
) -> bool:
    """Keep an answer and tell whether everybody has answered; raises ``InvalidRequest`` twice."""
    kept = connection.execute(
        upsert(trivia_answers)
        .values(
            game_id=row["id"], number=row["number"], account=account, option=option, points=points
        )
        .on_conflict_do_nothing()
    ).rowcount
    if not kept:
        raise InvalidRequest("trivia_answered", "You have answered this question already.")
    answered = set(_answers(connection, row))
    players = connection.execute(
        select(trivia_players.c.account).where(trivia_players.c.game_id == row["id"])
    ).scalars()
    return set(players) <= answered


def close_question(connection: Connection, row: RowMapping) -> Closed:
    """Count the answers to the question that is asked for everybody who plays."""
    answers = _answers(connection, row)
    question = question_of(row)
    scored: list[Player] = []
    people = connection.execute(
        select(trivia_players).where(trivia_players.c.game_id == row["id"])
    ).mappings()
    for one in people.all():
        option, points = answers.get(one["account"], (None, 0))
        right = option == question.right + 1
        if right:
            scored.append(Player(name=one["name"], points=points, right=1))
        connection.execute(
            update(trivia_players)
            .where(
                trivia_players.c.game_id == row["id"], trivia_players.c.account == one["account"]
            )
            .values(points=one["points"] + points, right=one["right"] + right)
        )
        _count(connection, row["place"], one, points=points, right=right)
    return Closed(
        number=row["number"],
        count=len(row["questions"]),
        answer=question.answer,
        scored=sorted(scored, key=lambda one: -one.points),
        answered=len(answers),
    )


def go_on(connection: Connection, game: int, **values: object) -> RowMapping:
    """Change a game and return it."""
    changed = update(trivia_games).where(trivia_games.c.id == game).values(**values)
    return connection.execute(changed.returning(trivia_games)).mappings().one()


def finish(connection: Connection, row: RowMapping, *, won: bool) -> Sequence[Player]:
    """Take a game away and return how it stood; with ``won`` it counts for who was in it."""
    players = connection.execute(
        select(trivia_players).where(trivia_players.c.game_id == row["id"])
    ).mappings()
    found = players.all()
    best = max((one["points"] for one in found), default=0)
    for one in found if won else ():
        wins = int(one["points"] == best and best > 0 and len(found) > 1)
        connection.execute(
            update(trivia_scores)
            .where(trivia_scores.c.place == row["place"], trivia_scores.c.account == one["account"])
            .values(games=trivia_scores.c.games + 1, wins=trivia_scores.c.wins + wins)
        )
    standing = players_of(connection, row["id"])
    remove(connection, row["id"])
    return standing


def remove(connection: Connection, game: int) -> None:
    """Take a game away."""
    for table in (trivia_answers, trivia_players):
        connection.execute(delete(table).where(table.c.game_id == game))
    connection.execute(delete(trivia_games).where(trivia_games.c.id == game))


def due(
    connection: Connection, now: datetime, held: ColumnElement[bool], *, limit: int
) -> Sequence[RowMapping]:
    """Return games whose question is over, the oldest first; also those of a clock set back."""
    over = or_(trivia_games.c.ends_at <= now, trivia_games.c.asked_at > now + _SET_BACK)
    query = select(trivia_games).where(held, over)
    return connection.execute(query.order_by(trivia_games.c.ends_at).limit(limit)).mappings().all()


def shown_on(platforms: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a game runs on one of ``platforms``."""
    held = (trivia_games.c.conversation.startswith(f"{one}:", autoescape=True) for one in platforms)
    return or_(false(), *held)


def _answers(connection: Connection, row: RowMapping) -> dict[str, tuple[int, int]]:
    query = select(
        trivia_answers.c.account, trivia_answers.c.option, trivia_answers.c.points
    ).where(trivia_answers.c.game_id == row["id"], trivia_answers.c.number == row["number"])
    return {account: (option, points) for account, option, points in connection.execute(query)}


def _count(
    connection: Connection, place: str, player: RowMapping, *, points: int, right: bool
) -> None:
    streak = streak_of(connection, place, player["account"]) + 1 if right else 0
    made = upsert(trivia_scores).values(
        place=place,
        account=player["account"],
        name=player["name"],
        points=points,
        right=int(right),
        asked=1,
        streak=streak,
        best_streak=streak,
        games=0,
        wins=0,
    )
    best = trivia_scores.c.best_streak
    changed = {
        "name": player["name"],
        "points": trivia_scores.c.points + points,
        "right": trivia_scores.c.right + int(right),
        "asked": trivia_scores.c.asked + 1,
        "streak": streak,
    }
    connection.execute(
        made.on_conflict_do_update(index_elements=["place", "account"], set_=changed)
    )
    connection.execute(
        update(trivia_scores)
        .where(
            trivia_scores.c.place == place,
            trivia_scores.c.account == player["account"],
            best < streak,
        )
        .values(best_streak=streak)
    )
