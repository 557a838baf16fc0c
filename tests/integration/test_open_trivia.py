"""Questions from a local server that answers like Open Trivia DB."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from services.games.opentdb import OpenTrivia
from services.games.questions import Difficulty, QuestionBank, Wish
from services.net.configured import ConfiguredServer
from tests.fakes.clock import ManualClock

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

ASKED = {
    "type": "multiple",
    "difficulty": "hard",
    "category": "Entertainment: Books",
    "question": "Who wrote &quot;Caf&eacute; M&ouml;we&quot; &amp; more?",
    "correct_answer": "Anna O&#039;Neil",
    "incorrect_answers": ["B &amp; C", "D", "E"],
}


class Service:
    """Tells tokens and questions; ``codes`` are the answers' codes in turn, 0 afterwards."""

    def __init__(self):
        self.codes = []
        self.results = [ASKED]
        self.asked = []
        self.tokens = 0
        self.body = None
        self.status = 200

    async def token(self, request):
        self.asked.append(dict(request.query))
        if request.query["command"] == "reset":
            return web.json_response({"response_code": 0, "token": request.query["token"]})
        self.tokens += 1
        return web.json_response({"response_code": 0, "token": f"token{self.tokens}"})

    async def api(self, request):
        self.asked.append(dict(request.query))
        if self.body is not None:
            return web.Response(text=self.body, status=self.status)
        code = self.codes.pop(0) if self.codes else 0
        return web.json_response(
            {"response_code": code, "results": self.results if not code else []}
        )


@asynccontextmanager
async def served():
    service, app = Service(), web.Application()
    app.router.add_get("/api_token.php", service.token)
    app.router.add_get("/api.php", service.api)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    clock, rng = ManualClock(), random.Random(5)
    url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
    source = OpenTrivia(
        ConfiguredServer("The trivia service", url),
        fallback=QuestionBank(rng),
        clock=clock,
        rng=rng,
    )
    try:
        yield service, source, clock
    finally:
        await runner.cleanup()


async def test_questions_are_asked_for_by_category_and_read_as_text():
    async with served() as (service, source, clock):
        [found] = await source.questions(
            Wish(count=3, category="books", difficulty=Difficulty.HARD)
        )
        assert found.text == 'Who wrote "Café Möwe" & more?'
        assert found.answer == "Anna O'Neil"
        assert sorted(found.options) == ["Anna O'Neil", "B & C", "D", "E"]
        assert service.asked == [
            {"command": "request"},
            {
                "amount": "3",
                "type": "multiple",
                "category": "10",
                "difficulty": "hard",
                "token": "token1",
            },
        ]
        clock.advance(6)
        await source.questions(Wish(count=1))
        assert service.asked[2:] == [{"amount": "1", "type": "multiple", "token": "token1"}]


async def test_a_token_that_is_forgotten_or_used_up_is_had_anew():
    async with served() as (service, source, clock):
        service.codes = [3, 0, 4, 0]
        assert (await source.questions(Wish(count=1)))[0].answer == "Anna O'Neil"
        assert service.tokens == 2
        clock.advance(6)
        assert (await source.questions(Wish(count=1)))[0].answer == "Anna O'Neil"
        assert {"command": "reset", "token": "token2"} in service.asked


async def test_our_own_questions_are_asked_where_the_service_has_none():
    async with served() as (service, source, clock):
        wish = Wish(count=4, category="music")

        async def own():
            clock.advance(6)
            found = await source.questions(wish)
            assert len(found) == 4
            assert {one.category for one in found} == {"music"}

        service.codes = [1]
        await own()
        service.codes = [5]
        await own()
        broken: list[Any] = [
            [{}],
            ["x", None, 3],
            [{**ASKED, "incorrect_answers": ["D", "D", "E"]}],
            [{**ASKED, "incorrect_answers": "DEF!"}],
            [{**ASKED, "question": "x" * 10**6}],
            [{**ASKED, "difficulty": "absurd"}],
            [{**ASKED, "question": "a\x1b[2Jb?"}],
            "nonsense",
            None,
        ]
        for results in broken:
            service.results = results
            await own()
        for body, status in (("<html>", 200), ("[]", 200), ("{}", 200), ("", 500), ("", 429)):
            service.body, service.status = body, status
            await own()


async def test_the_service_is_asked_at_most_once_in_five_seconds():
    async with served() as (service, source, clock):
        await source.questions(Wish(count=1))
        before = len(service.asked)
        assert len(await source.questions(Wish(count=2))) == 2
        assert len(service.asked) == before
        clock.advance(5)
        await source.questions(Wish(count=1))
        assert len(service.asked) == before + 1


async def test_our_own_questions_are_asked_without_a_network():
    rng = random.Random(1)
    server = ConfiguredServer("The trivia service", "http://127.0.0.1:1")
    source = OpenTrivia(server, fallback=QuestionBank(rng), clock=ManualClock(), rng=rng)
    assert len(await source.questions(Wish(count=10))) == 10
