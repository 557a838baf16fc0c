"""REST v10: faults, tokens, limits, handlers and the record of what was exchanged."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from aiohttp import web

from tests.discord_standin import errors
from tests.discord_standin.entities import Bot
from tests.discord_standin.faults import Cut, RestFault
from tests.discord_standin.limits import GLOBAL, Verdict
from tests.discord_standin.rest import (
    channels,
    commands,
    emojis,
    guilds,
    interactions,
    messages,
    pins,
    threads,
    users,
    webhooks,
)
from tests.discord_standin.rest.reading import Body, read_body
from tests.discord_standin.rest.routing import Call, Route
from tests.discord_standin.site import Site
from tests.discord_standin.validation import Contract, Exchange

ROOT: Final = "/api/v10"
_MOST_EXCHANGES: Final = 20_000
_MAJOR: Final = ("channel_id", "guild_id", "webhook_id", "interaction_id")
_ROUTES: Final = (
    *channels.ROUTES,
    *commands.ROUTES,
    *emojis.ROUTES,
    *guilds.ROUTES,
    *interactions.ROUTES,
    *messages.ROUTES,
    *pins.ROUTES,
    *threads.ROUTES,
    *users.ROUTES,
    *webhooks.ROUTES,
)


class Api:
    """Answers REST requests; ``problems`` is what the contract found wrong with them."""

    def __init__(self, site: Site, contract: Contract | None) -> None:
        self.exchanges: deque[Exchange] = deque(maxlen=_MOST_EXCHANGES)
        self.problems: list[str] = []
        self._site = site
        self._contract = contract

    def routes(self) -> Iterable[web.RouteDef]:
        """Yield the routes, fixed words before placeholders."""
        for route in sorted(_ROUTES, key=_specificity):
            yield web.route(route.method, ROOT + route.template, self._handler(route))
        yield web.route("*", "/api/{rest:.*}", self._unknown)

    def _handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            path = request.path.removeprefix(ROOT)
            fault = self._site.faults.take_rest(request.method, path)
            early = await _strike_before(request, fault)
            if early is not None:
                return early
            answer = await self._answer(route, request)
            if fault and fault.cut is Cut.AFTER:
                _abort(request)
            return answer

        return handle

    async def _answer(self, route: Route, request: web.Request) -> web.Response:
        body, verdict = Body(), Verdict({})
        status: int
        answer: Any
        try:
            bot = self._bot(request)
            if route.authorised and bot is None:
                raise errors.unauthorized()
            body = await read_body(request)
            verdict = self._admit(route, request, bot)
            if verdict.refusal is not None:
                status, answer = 429, verdict.refusal
            else:
                answer = route.handler(
                    Call(
                        site=self._site,
                        bot=bot,
                        path=request.match_info,
                        query=request.query,
                        body=body.value,
                        files=body.files,
                    )
                )
                status = 204 if answer is None else route.status
        except errors.DiscordError as error:
            status, answer = error.status, error.body()
        self._note(route, request, body, status, answer)
        self._site.changes.notify()
        return _json_response(status, answer, verdict.headers)

    def _bot(self, request: web.Request) -> Bot | None:
        token = request.headers.get("Authorization", "")
        return self._site.world.bots.get(token.removeprefix("Bot "))

    def _admit(self, route: Route, request: web.Request, bot: Bot | None) -> Verdict:
        who = str(bot.user.id) if bot else ""
        if bot and route.authorised:
            everywhere = self._site.limits.admit(GLOBAL, who)
            if everywhere.refusal is not None:
                return everywhere
        if route.limit is None:
            return Verdict({})
        major = next((request.match_info[key] for key in _MAJOR if key in request.match_info), "")
        token = request.match_info.get("webhook_token", "")
        return self._site.limits.admit(route.limit, f"{who}:{major}:{token}")

    def _note(
        self, route: Route, request: web.Request, body: Body, status: int, answer: Any
    ) -> None:
        exchange = Exchange(
            method=request.method,
            template=route.template,
            path=request.path.removeprefix(ROOT),
            query=dict(request.query),
            content_type=body.content_type,
            body=body.value,
            status=status,
            answer=answer,
            agent=request.headers.get("User-Agent", ""),
        )
        self.exchanges.append(exchange)
        if self._contract:
            self.problems += self._contract.problems_of(exchange)

    async def _unknown(self, request: web.Request) -> web.Response:
        self.problems.append(f"{request.method} {request.path}: no such route on the stand-in")
        return _json_response(404, errors.not_found().body(), {})


def _specificity(route: Route) -> list[bool]:
    return [segment.startswith("{") for segment in route.template.split("/")]


async def _strike_before(
    request: web.Request, fault: RestFault | None
) -> web.StreamResponse | None:
    if fault is None:
        return None
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.cut is Cut.BEFORE:
        _abort(request)
        return web.Response(status=500)
    if fault.status is not None:
        return _json_response(fault.status, {"message": "injected", "code": 0}, {})
    return None


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _json_response(status: int, answer: Any, headers: dict[str, str]) -> web.Response:
    if status == 204:
        return web.Response(status=204, headers=headers)
    # Exactly this type: clients take anything else, even a charset, for text.
    return web.Response(
        status=status,
        body=json.dumps(answer).encode(),
        headers=headers | {"Content-Type": "application/json"},
    )
