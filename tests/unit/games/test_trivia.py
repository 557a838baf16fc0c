"""Games of trivia: who scores, when questions are over, and what a restart leaves."""

from __future__ import annotations

import asyncio

import pytest

from services.domain.errors import AcoreError, InvalidRequest, NotAllowed, NotFound, TooMany
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, Role
from services.games.boards import Boards, GameMaster
from services.games.holding import GameHolding
from services.games.questions import Wish
from services.games.values import Ending
from tests.fakes.games import ELSEWHERE, HERE, KIM, LEE, NEXT_DOOR, SAM, SECONDS, games

RIGHT, WRONG = 2, 1


async def test_a_question_is_over_when_all_players_have_answered(tmp_path):
    async with games(tmp_path) as play:
        game = await play.trivia.start(Wish(count=2), by=SAM, where=HERE)
        await play.trivia.join(by=KIM, where=HERE)
        assert not await play.trivia.answer(RIGHT, by=SAM, where=HERE, stamp=game.stamp)
        assert await play.trivia.settle(where=HERE) == [], "Kim has not answered"
        play.clock.advance(10)
        assert await play.trivia.answer(RIGHT, by=KIM, where=HERE)
        [step] = await play.trivia.settle(where=HERE)
        assert step.closed.answer == "right"  # type: ignore[union-attr]
        assert step.closed is not None
        assert [(one.name, one.points) for one in step.closed.scored] == [("Sam", 100), ("Kim", 75)]
        assert step.game.number == 2  # type: ignore[union-attr]
        await play.trivia.answer(WRONG, by=SAM, where=HERE)
        await play.trivia.answer(RIGHT, by=KIM, where=HERE)
        [step] = await play.trivia.settle(where=HERE)
        assert step.ending is Ending.FINISHED
        assert [(one.name, one.points) for one in step.players] == [("Kim", 185), ("Sam", 100)]
        best = await play.trivia.leaderboard(where=NEXT_DOOR)
        assert [(one.name, one.wins, one.streak, one.best_streak) for one in best] == [
            ("Kim", 1, 2, 2),
            ("Sam", 0, 0, 1),
        ]
        assert await play.trivia.leaderboard(where=ELSEWHERE) == []
        with pytest.raises(NotFound):
            await play.trivia.current(where=HERE)


async def test_a_question_is_over_when_its_time_is_up(tmp_path):
    async with games(tmp_path) as play:
        game = await play.trivia.start(Wish(count=2), by=SAM, where=HERE)
        play.clock.advance(SECONDS - 1)
        assert await play.trivia.settle(where=HERE) == []
        play.clock.advance(1)
        with pytest.raises(InvalidRequest, match="over"):
            await play.trivia.answer(RIGHT, by=SAM, where=HERE)
        [step] = await play.trivia.settle(platforms=["test"])
        assert step.closed.scored == []  # type: ignore[union-attr]
        with pytest.raises(InvalidRequest, match="over"):
            await play.trivia.answer(RIGHT, by=SAM, where=HERE, stamp=game.stamp)


async def test_a_click_on_the_last_question_does_not_answer_the_next_of_the_same_moment(tmp_path):
    async with games(tmp_path) as play:
        game = await play.trivia.start(Wish(count=2), by=SAM, where=HERE)
        await play.trivia.answer(RIGHT, by=SAM, where=HERE, stamp=game.stamp)
        await play.trivia.settle(where=HERE)
        with pytest.raises(InvalidRequest, match="over"):
            await play.trivia.answer(RIGHT, by=SAM, where=HERE, stamp=game.stamp)


async def test_clicks_at_the_same_moment_score_once(tmp_path):
    async with games(tmp_path) as play:
        game = await play.trivia.start(Wish(count=2), by=SAM, where=HERE)
        await play.trivia.join(by=LEE, where=HERE)
        clicks = [
            play.trivia.answer(option, by=KIM, where=HERE, stamp=game.stamp)
            for option in (RIGHT, RIGHT, WRONG, RIGHT, WRONG) * 4
        ]
        results = await asyncio.gather(*clicks, return_exceptions=True)
        assert sum(not isinstance(one, BaseException) for one in results) == 1
        assert {one.code for one in results if isinstance(one, AcoreError)} == {"trivia_answered"}
        play.clock.advance(SECONDS)
        [step] = await play.trivia.settle(where=HERE)
        assert step.closed is not None
        assert [(one.name, one.points) for one in step.closed.scored] == [("Kim", 100)]


async def test_two_who_settle_at_once_go_on_once(tmp_path):
    async with games(tmp_path) as play:
        await play.trivia.start(Wish(count=3), by=SAM, where=HERE)
        play.clock.advance(SECONDS)
        both = await asyncio.gather(
            play.trivia.settle(where=HERE), play.trivia.settle(platforms=["test"])
        )
        assert sorted(map(len, both)) == [0, 1]


async def test_one_game_runs_in_a_channel_and_ten_in_a_place(tmp_path):
    async with games(tmp_path) as play:
        starts = [play.trivia.start(Wish(), by=SAM, where=HERE) for _ in range(5)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        assert sum(isinstance(one, InvalidRequest) for one in results) == 4
        for number in range(9):
            where = ConversationId("test", "guild", f"c{number}")
            await play.trivia.start(Wish(), by=SAM, where=where)
        with pytest.raises(TooMany):
            await play.trivia.start(Wish(), by=SAM, where=NEXT_DOOR)
        await play.trivia.start(Wish(), by=SAM, where=ELSEWHERE)


async def test_only_who_started_and_moderators_end_a_game(tmp_path):
    async with games(tmp_path) as play:
        await play.trivia.start(Wish(), by=SAM, where=HERE)
        with pytest.raises(NotAllowed):
            await play.trivia.end(by=KIM, role=Role.MEMBER, where=HERE)
        with pytest.raises(NotFound):
            await play.trivia.end(by=SAM, role=Role.OWNER, where=NEXT_DOOR)
        step = await play.trivia.end(by=KIM, role=Role.MODERATOR, where=HERE)
        assert step.ending is Ending.STOPPED


async def test_votes_from_elsewhere_and_absurd_ones_are_refused(tmp_path):
    async with games(tmp_path) as play:
        game = await play.trivia.start(Wish(), by=SAM, where=HERE)
        for where, option, stamp in (
            (NEXT_DOOR, RIGHT, game.stamp),
            (ELSEWHERE, RIGHT, game.stamp),
            (HERE, RIGHT, game.stamp + 1),
            (HERE, 0, game.stamp),
            (HERE, 5, game.stamp),
            (HERE, -(10**30), game.stamp),
        ):
            with pytest.raises((InvalidRequest, NotFound)):
                await play.trivia.answer(option, by=KIM, where=where, stamp=stamp)
        for text in ("", "5", "x" * 2**20, "2" * 2**20, "\0", "²"):
            with pytest.raises(InvalidRequest):
                await play.trivia.say(text, by=KIM, where=HERE)
        assert [one.name for one in (await play.trivia.current(where=HERE)).players] == ["Sam"]
        assert not await play.trivia.say(" RIGHT ", by=KIM, where=HERE)


async def test_a_game_nobody_answers_ends(tmp_path):
    async with games(tmp_path) as play:
        await play.trivia.start(Wish(count=20), by=SAM, where=HERE)
        endings = []
        for _ in range(3):
            play.clock.advance(SECONDS)
            [step] = await play.trivia.settle(where=HERE)
            endings.append(step.ending)
        assert endings == [None, None, Ending.DESERTED]
        assert (await play.trivia.stats(by=SAM, where=HERE)).games == 0


async def test_a_game_goes_on_after_a_short_restart_and_ends_after_a_long_one(tmp_path):
    async with games(tmp_path) as play:
        await play.trivia.start(Wish(count=5), by=SAM, where=HERE)
        await play.trivia.answer(RIGHT, by=SAM, where=HERE)
    async with games(tmp_path) as play:
        [step] = await play.trivia.settle(where=HERE)
        assert step.game.number == 2  # type: ignore[union-attr]
        assert step.closed.scored[0].points == 100  # type: ignore[union-attr]
        play.clock.advance(SECONDS + 121)
        [step] = await play.trivia.settle(where=HERE)
        assert step.ending is Ending.INTERRUPTED
        assert (await play.trivia.stats(by=SAM, where=HERE)).points == 100
        assert await play.trivia.next_moment(["test"]) is None


async def test_a_clock_set_back_does_not_leave_a_question_open_for_ever(tmp_path):
    async with games(tmp_path) as play:
        await play.trivia.start(Wish(count=2), by=SAM, where=HERE)
        play.clock.advance(-3600)
        [step] = await play.trivia.settle(where=HERE)
        assert step.game.number == 2  # type: ignore[union-attr]


async def test_a_full_game_takes_nobody_more(tmp_path):
    async with games(tmp_path) as play:
        await play.trivia.start(Wish(), by=SAM, where=HERE)
        for number in range(99):
            one = Author(id=AuthorId("test", str(number)), display_name="x" * 10**6)
            await play.trivia.join(by=one, where=HERE)
        with pytest.raises(TooMany):
            await play.trivia.answer(RIGHT, by=KIM, where=HERE)
        game = await play.trivia.current(where=HERE)
        assert max(len(one.name) for one in game.players) == 80


class Shown:
    """A board that keeps what it shows, or cannot."""

    def __init__(self, fails=False):
        self.steps = []
        self.fails = fails

    async def show(self, step, /):
        if self.fails:
            raise NotFound("channel_gone", "That channel is gone.")
        self.steps.append(step)


async def test_the_master_goes_on_where_there_is_a_board_and_gives_up_where_none_can_show(tmp_path):
    async with games(tmp_path) as play:
        boards, board = Boards(), Shown()
        master = GameMaster(trivia=play.trivia, boards=boards, clock=play.clock)
        await play.trivia.start(Wish(count=3), by=SAM, where=HERE)
        play.clock.advance(SECONDS)
        assert await master.go_on() == 0, "nobody could see it"
        boards.register("test", board)
        assert await master.go_on() == 1
        assert board.steps[0].game.number == 2
        boards.register("test", Shown(fails=True))
        play.clock.advance(SECONDS)
        await master.go_on()
        with pytest.raises(NotFound):
            await play.trivia.current(where=HERE)


async def test_the_master_wakes_by_itself_when_an_answer_ends_a_question(tmp_path):
    async with games(tmp_path) as play:
        boards, board = Boards(), Shown()
        play.trivia._news = boards.news
        async with GameMaster(trivia=play.trivia, boards=boards, clock=play.clock):
            boards.register("test", board)
            await play.trivia.start(Wish(count=2), by=SAM, where=HERE)
            await play.trivia.answer(RIGHT, by=SAM, where=HERE)
            async with asyncio.timeout(10):
                while not board.steps:  # noqa: ASYNC110  nothing tells of it
                    await asyncio.sleep(0.01)
        assert board.steps[0].closed.scored[0].name == "Sam"


async def test_what_is_kept_of_a_person_is_given_to_them_and_taken_away(tmp_path):
    async with games(tmp_path) as play:
        holding = GameHolding()
        await play.trivia.start(Wish(count=1), by=SAM, where=HERE)
        await play.trivia.answer(RIGHT, by=KIM, where=HERE)
        await play.trivia.answer(RIGHT, by=SAM, where=HERE)
        await play.trivia.settle(where=HERE)
        await play.trivia.start(Wish(count=1), by=SAM, where=HERE)
        await play.stories.start("A tale", by=SAM, where=HERE)
        await play.stories.add("Sam's secret garden.", by=SAM, where=HERE)
        async with play.database.transaction() as tx:
            known = await tx.run(holding.of_person, [SAM.id])
            assert "secret garden" in str(known)
            assert "100" in str(known)
            assert await tx.run(holding.erase_person, [SAM.id]) > 0
            assert await tx.run(holding.of_person, [SAM.id]) == []
        assert "Sam" not in await play.stories.export(where=HERE)
        assert [one.name for one in await play.trivia.leaderboard(where=HERE)] == ["Kim"]
        play.clock.advance(SECONDS)
        assert (await play.trivia.settle(where=HERE))[0].ending is Ending.FINISHED
        async with play.database.transaction() as tx:
            assert await tx.run(holding.erase_place, "test:guild") > 0
            assert await tx.run(holding.erase_place, "test:guild") == 0
