"""Questions from a service that speaks Open Trivia DB's API (opentdb.com/api_config.php)."""

from __future__ import annotations

import html
import logging
import random
from collections.abc import Mapping, Sequence
from typing import Any

from services.domain.clock import Clock
from services.domain.errors import ProviderError
from services.games.questions import (
    LONGEST_ANSWER,
    LONGEST_QUESTION,
    Difficulty,
    Question,
    QuestionSource,
    Wish,
)
from services.net.configured import ConfiguredServer

logger = logging.getLogger(__name__)

_CATEGORY_IDS = {
    "general": 9,
    "books": 10,
    "film": 11,
    "music": 12,
    "science": 17,
    "computers": 18,
    "mathematics": 19,
    "mythology": 20,
    "sports": 21,
    "geography": 22,
    "history": 23,
    "animals": 27,
}
_FOUND, _TOKEN_UNKNOWN, _TOKEN_EMPTY = 0, 3, 4
_PAUSE = 5.0
_WRONG = 3

_MISSHAPEN = (KeyError, TypeError, ValueError, AttributeError)


class OpenTrivia:
    """Asks the service, at most once in five seconds, and ``fallback`` where that yields nothing.

    One session token serves this process, so that no question comes twice until all have come; it
    is asked for anew once the service has forgotten it. Nothing about people is sent.
    """

    def __init__(
        self,
        server: ConfiguredServer,
        *,
        fallback: QuestionSource,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._server = server
        self._fallback = fallback
        self._clock = clock
        self._rng = rng
        self._token = ""
        self._not_before = 0.0

    async def questions(self, wish: Wish, /) -> Sequence[Question]:
        """Return questions of the service, else those of ``fallback``."""
        now = self._clock.monotonic()
        if now < self._not_before:
            return await self._fallback.questions(wish)
        self._not_before = now + _PAUSE
        try:
            found = await self._ask(wish)
        except ProviderError as error:
            logger.info("no questions from the service", extra={"code": error.code})
            found = []
        return found or await self._fallback.questions(wish)

    async def _ask(self, wish: Wish) -> Sequence[Question]:
        if not self._token:
            self._token = await self._told_token({"command": "request"})
        answer = await self._listing(wish)
        if answer.get("response_code") == _TOKEN_UNKNOWN:
            self._token = await self._told_token({"command": "request"})
            answer = await self._listing(wish)
        elif answer.get("response_code") == _TOKEN_EMPTY:
            self._token = await self._told_token({"command": "reset", "token": self._token})
            answer = await self._listing(wish)
        if answer.get("response_code") != _FOUND:
            return []
        listed = answer.get("results")
        if not isinstance(listed, list):
            raise self._server.malformed()
        read = [self._read(one) for one in listed[: wish.count]]
        return [one for one in read if one is not None]

    async def _listing(self, wish: Wish) -> Mapping[str, Any]:
        params = {"amount": str(wish.count), "type": "multiple", "token": self._token}
        if wish.category is not None:
            params["category"] = str(_CATEGORY_IDS[wish.category])
        if wish.difficulty is not None:
            params["difficulty"] = wish.difficulty.value
        return self._object(await self._server.get_json("api.php", params))

    async def _told_token(self, params: Mapping[str, str]) -> str:
        answer = self._object(await self._server.get_json("api_token.php", params))
        token = answer.get("token")
        if not isinstance(token, str) or not token.isalnum() or len(token) > 200:
            raise self._server.malformed()
        return token

    def _object(self, answer: object) -> Mapping[str, Any]:
        if not isinstance(answer, dict):
            raise self._server.malformed()
        return answer

    def _read(self, listed: Mapping[str, Any]) -> Question | None:
        """Return a question of the service; ``None`` for one that cannot be asked."""
        try:
            text = _plain(listed["question"], longest=LONGEST_QUESTION)
            right = _plain(listed["correct_answer"], longest=LONGEST_ANSWER)
            wrong = [_plain(one, longest=LONGEST_ANSWER) for one in listed["incorrect_answers"]]
            if len({right, *wrong}) != 1 + _WRONG or len(wrong) != _WRONG:
                return None
            return Question.shuffled(
                text,
                right,
                wrong,
                category=_plain(listed["category"], longest=LONGEST_ANSWER),
                difficulty=Difficulty(listed["difficulty"]),
                rng=self._rng,
            )
        except _MISSHAPEN:
            return None


def _plain(text: str, *, longest: int) -> str:
    line = " ".join(html.unescape(text).split())
    if not line or len(line) > longest or not line.isprintable():
        raise ValueError("not a line of the size wanted")  # noqa: TRY003
    return line
