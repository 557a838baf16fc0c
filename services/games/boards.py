"""Where games are shown, and who goes on with them when time is up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Protocol, Self

from services.domain.clock import Clock
from services.domain.errors import AcoreError
from services.games.trivia import Trivia
from services.games.values import Step
from services.lifecycle import Supervisor

logger = logging.getLogger(__name__)

_LONGEST_SLEEP = 30.0
_SHORTEST_SLEEP = 0.05


class Board(Protocol):
    """Shows games on one platform."""

    async def show(self, step: Step, /) -> None:
        """Show how a game went on; raises ``AcoreError`` where that cannot be done."""
        ...


class Boards:
    """The boards there are, by platform; ``news`` says that something may be due."""

    def __init__(self) -> None:
        self._boards: dict[str, Board] = {}
        self._watcher: Callable[[], None] | None = None

    @property
    def platforms(self) -> Collection[str]:
        """Where games can be shown."""
        return tuple(self._boards)

    def get(self, platform: str) -> Board | None:
        """Return the board of a platform."""
        return self._boards.get(platform)

    def register(self, platform: str, board: Board) -> None:
        """Show games of a platform from now on."""
        self._boards[platform] = board
        self.news()

    def withdraw(self, platform: str, board: Board) -> None:
        """Show them no more, unless another board took over."""
        if self._boards.get(platform) is board:
            del self._boards[platform]

    def watch(self, watcher: Callable[[], None]) -> None:
        """Let ``watcher`` be called at news."""
        self._watcher = watcher

    def news(self) -> None:
        """Say that something may be due."""
        if self._watcher is not None:
            self._watcher()


class GameMaster:
    """Goes on with games when a question is over, as long as it is entered.

    It sleeps until then, 30 s at most. A game that cannot be shown any more is given up.
    """

    def __init__(self, *, trivia: Trivia, boards: Boards, clock: Clock) -> None:
        self._trivia = trivia
        self._boards = boards
        self._clock = clock
        self._news = asyncio.Event()
        self._supervisor = Supervisor()
        boards.watch(self._news.set)

    async def __aenter__(self) -> Self:
        self._supervisor.start("games", self._run, restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)

    async def go_on(self) -> int:
        """Go on with what is over and return how many games that were."""
        platforms = self._boards.platforms
        if not platforms:
            return 0
        steps = await self._trivia.settle(platforms=platforms)
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(self._show(step))
        return len(steps)

    async def _show(self, step: Step) -> None:
        board = self._boards.get(step.where.platform)
        try:
            if board is not None:
                await board.show(step)
        except AcoreError as error:
            logger.info("a game could not be shown", extra={"code": error.code})
            await self._trivia.abandon(step.where)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            if not await self.go_on():
                await self._rest()

    async def _rest(self) -> None:
        seconds = _LONGEST_SLEEP
        platforms = self._boards.platforms
        moment = await self._trivia.next_moment(platforms) if platforms else None
        if moment is not None:
            left = (moment - self._clock.now()).total_seconds()
            seconds = max(_SHORTEST_SLEEP, min(left, _LONGEST_SLEEP))
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
