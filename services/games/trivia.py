"""Trivia: everybody in a channel answers the same questions, by speed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, RowMapping, func, insert, select

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, NotAllowed, TooMany
from services.domain.ids import ConversationId
from services.domain.people import Author, Role
from services.games import trivia_rows as rows
from services.games.questions import QuestionSource, Wish
from services.games.scoring import points
from services.games.tables import trivia_games, trivia_scores
from services.games.values import Ending, Score, Step, TriviaGame
from services.memory.scope import place_of
from services.storage.database import Database

T = TypeVar("T")

_MOST_RUNNING = 10
_MOST_UNANSWERED = 3
_LATE = timedelta(minutes=2)
_LISTED = 10
_STEPS = 50


class Trivia:
    """Runs one game in a conversation at a time, kept in the database.

    Whoever plays may answer each question once; it is over when all players have, or its time is
    up. ``settle`` goes on from there. A game nobody answers three times ends, and so does one whose
    question was over for two minutes, as after a restart; its points count.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        source: QuestionSource,
        seconds: int,
        news: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._source = source
        self._seconds = timedelta(seconds=seconds)
        self._news = news

    async def start(self, wish: Wish, *, by: Author, where: ConversationId) -> TriviaGame:
        """Ask the first question; whoever starts plays.

        Raises ``InvalidRequest`` while a game runs here, ``TooMany`` with ten in the place.
        """
        await self._change(lambda connection: _refuse_running(connection, where))
        questions = await self._source.questions(wish)

        def work(connection: Connection) -> TriviaGame:
            _refuse_running(connection, where)
            now = self._clock.now()
            made = connection.execute(
                insert(trivia_games)
                .values(
                    place=place_of(where),
                    conversation=str(where),
                    started_by=str(by.id),
                    questions=[one.as_json() for one in questions],
                    number=1,
                    asked_at=now,
                    ends_at=now + self._seconds,
                    unanswered=0,
                )
                .returning(trivia_games)
            )
            row = made.mappings().one()
            rows.join(connection, row["id"], by)
            return rows.view(connection, row)

        game = await self._change(work)
        self._news()
        return game

    async def join(self, *, by: Author, where: ConversationId) -> TriviaGame:
        """Play, so that questions wait for one's answer; raises ``NotFound`` and ``TooMany``."""

        def work(connection: Connection) -> TriviaGame:
            row = rows.running(connection, where)
            rows.join(connection, row["id"], by)
            return rows.view(connection, row)

        return await self._change(work)

    async def current(self, *, where: ConversationId) -> TriviaGame:
        """Return the game as it stands; raises ``NotFound``."""
        return await self._see(lambda seen: rows.view(seen, rows.running(seen, where)))

    async def answer(
        self, option: int, *, by: Author, where: ConversationId, stamp: int | None = None
    ) -> bool:
        """Answer with an option, counted from 1, and tell whether all players have answered now.

        Whoever answers plays. ``stamp`` is the question meant, the one that is asked without it.
        Raises ``NotFound``, and ``InvalidRequest`` for a question that is over, an option that is
        not there and a second answer.
        """

        def work(connection: Connection) -> bool:
            row, now = rows.running(connection, where), self._clock.now()
            if stamp not in {None, rows.stamp_of(row)} or now >= row["ends_at"]:
                raise InvalidRequest("trivia_over", "That question is over.")
            question = rows.question_of(row)
            if not 1 <= option <= len(question.options):
                raise InvalidRequest("trivia_option", "There is no such answer to choose.")
            rows.join(connection, row["id"], by)
            account = str(by.id)
            earned = 0
            if option - 1 == question.right:
                earned = points(
                    question.difficulty,
                    seconds=(now - row["asked_at"]).total_seconds(),
                    allowed=(row["ends_at"] - row["asked_at"]).total_seconds(),
                    streak=rows.streak_of(connection, row["place"], account),
                )
            over = rows.keep_answer(connection, row, account, option=option, points=earned)
            if over:
                rows.go_on(connection, row["id"], ends_at=max(now, row["asked_at"]))
            return over

        over = await self._change(work)
        if over:
            self._news()
        return over

    async def say(self, text: str, *, by: Author, where: ConversationId) -> bool:
        """Answer by an option's number or its words, as ``answer`` does."""
        asked = await self.current(where=where)
        meant = " ".join(text[:200].split()).casefold()
        options = [one.casefold() for one in asked.question.options]
        if meant in options:
            option = options.index(meant) + 1
        elif meant.isdecimal() and len(meant) == 1:
            option = int(meant)
        else:
            raise InvalidRequest("trivia_option", "Answer with a number, or as it is written.")
        return await self.answer(option, by=by, where=where, stamp=asked.stamp)

    async def end(self, *, by: Author, role: Role, where: ConversationId) -> Step:
        """End the game; what was asked last does not count.

        Raises ``NotFound``, and ``NotAllowed`` for others than who started it, below moderator.
        """

        def work(connection: Connection) -> Step:
            row = rows.running(connection, where)
            if row["started_by"] != str(by.id) and role < Role.MODERATOR:
                raise NotAllowed("trivia_owner", "Only who started it, and moderators, can end it.")
            return _ended(connection, row, Ending.STOPPED)

        return await self._change(work)

    async def abandon(self, where: ConversationId) -> None:
        """Take the game of a conversation away that can no longer be shown there."""

        def work(connection: Connection) -> None:
            query = select(trivia_games).where(trivia_games.c.conversation == str(where))
            for row in connection.execute(query).mappings().all():
                rows.finish(connection, row, won=False)

        await self._change(work)

    async def settle(
        self, *, platforms: Collection[str] = (), where: ConversationId | None = None
    ) -> Sequence[Step]:
        """Go on with games whose question is over, on ``platforms`` or in one conversation."""

        held = rows.shown_on(platforms)
        if where is not None:
            held = trivia_games.c.conversation == str(where)

        def work(connection: Connection) -> Sequence[Step]:
            now = self._clock.now()
            found = rows.due(connection, now, held, limit=_STEPS)
            return [self._step(connection, row, now) for row in found]

        return await self._change(work)

    async def next_moment(self, platforms: Collection[str]) -> datetime | None:
        """Return when the next question on ``platforms`` is over; ``None`` without games."""
        query = select(func.min(trivia_games.c.ends_at)).where(rows.shown_on(platforms))
        return await self._see(lambda seen: seen.execute(query).scalar_one_or_none())

    async def leaderboard(self, *, where: ConversationId) -> Sequence[Score]:
        """Return the ten best of the place."""
        order = (trivia_scores.c.points.desc(), trivia_scores.c.name)
        query = select(trivia_scores).where(trivia_scores.c.place == place_of(where))
        best = query.order_by(*order).limit(_LISTED)
        return await self._see(lambda seen: [_score(row) for row in seen.execute(best).mappings()])

    async def stats(self, *, by: Author, where: ConversationId) -> Score:
        """Return somebody's own score in the place; without games a score of zeros."""
        mine = select(trivia_scores).where(
            trivia_scores.c.place == place_of(where), trivia_scores.c.account == str(by.id)
        )

        def work(seen: Connection) -> Score:
            row = seen.execute(mine).mappings().one_or_none()
            return Score(name=by.display_name) if row is None else _score(row)

        return await self._see(work)

    def _step(self, connection: Connection, row: RowMapping, now: datetime) -> Step:
        closed = rows.close_question(connection, row)
        unanswered = 0 if closed.answered else row["unanswered"] + 1
        ending = None
        if now - row["ends_at"] > _LATE:
            ending = Ending.INTERRUPTED
        elif row["number"] == len(row["questions"]):
            ending = Ending.FINISHED
        elif unanswered >= _MOST_UNANSWERED:
            ending = Ending.DESERTED
        if ending is not None:
            step = _ended(connection, row, ending)
            return Step(
                where=step.where, closed=closed, game=None, ending=ending, players=step.players
            )
        gone_on = rows.go_on(
            connection,
            row["id"],
            number=row["number"] + 1,
            asked_at=now,
            ends_at=now + self._seconds,
            unanswered=unanswered,
        )
        game = rows.view(connection, gone_on)
        return Step(where=game.where, closed=closed, game=game, ending=None, players=game.players)

    async def _see(self, work: Callable[[Connection], T]) -> T:
        async with self._database.reader() as snapshot:
            return await snapshot.run(work)

    async def _change(self, work: Callable[[Connection], T]) -> T:
        async with self._database.transaction() as tx:
            return await tx.run(work)


def _refuse_running(connection: Connection, where: ConversationId) -> None:
    held = connection.execute(
        select(trivia_games.c.conversation).where(trivia_games.c.place == place_of(where))
    ).scalars()
    running = list(held)
    if str(where) in running:
        raise InvalidRequest("trivia_running", "A game runs here already; join it or end it.")
    if len(running) >= _MOST_RUNNING:
        raise TooMany("trivia_many", f"{_MOST_RUNNING} games run here already.", retry_after=60.0)


def _ended(connection: Connection, row: RowMapping, ending: Ending) -> Step:
    finished = ending is Ending.FINISHED
    return Step(
        where=ConversationId.parse(row["conversation"]),
        closed=None,
        game=None,
        ending=ending,
        players=rows.finish(connection, row, won=finished),
    )


def _score(row: RowMapping) -> Score:
    return Score(
        name=row["name"],
        points=row["points"],
        right=row["right"],
        asked=row["asked"],
        streak=row["streak"],
        best_streak=row["best_streak"],
        games=row["games"],
        wins=row["wins"],
    )
