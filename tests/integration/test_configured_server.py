"""Servers of the owner: loopback is fine, leaving their origin is not."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from services.domain.errors import ConfigurationError, ProviderError, ProviderFault
from services.net.configured import ConfiguredServer
from tests.fakes.web_sites import INNER, site

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


def responds(**response):
    async def route(_request):
        return web.Response(**response)

    return route


async def fault(work):
    with pytest.raises(ProviderError) as caught:
        await work
    assert caught.value.user_message.startswith("The tester ")
    return caught.value


async def test_loopback_answers_below_its_address():
    async def echo(request):
        return web.json_response({"sent": await request.json(), "key": request.headers["X-Key"]})

    pages = {"/api/hello": responds(text='{"a": 1}'), "/api/echo": echo, "/api": "plain"}
    async with site(pages, host=INNER) as own:
        server = ConfiguredServer("The tester", f"{own.url}/api/", headers={"X-Key": "k"})
        assert await server.get_json("hello", {"q": "a b&c"}) == {"a": 1}
        assert await server.post_json("/echo", [1]) == {"sent": [1], "key": "k"}
        assert (await server.get()).body == b"plain"
    assert own.asked[0] == "/api/hello?q=a+b%26c"


async def test_nothing_leads_away_from_it():
    async with site({"/": "elsewhere"}, host=INNER) as other:
        away = responds(status=302, headers={"Location": f"{other.url}/"})
        async with site({"/away": away}, host=INNER) as own:
            server = ConfiguredServer("The tester", own.url)
            assert (await fault(server.get("away"))).fault is ProviderFault.REJECTED
            for path in ("@127.0.0.1/", f"//{INNER}:{other.port}/", f"http://{INNER}/"):
                await fault(server.get(path))
    assert other.asked == []


async def test_its_failures_say_what_kind_they_are():
    async def silent(_request):
        await asyncio.sleep(30)
        return web.Response()

    pages = {
        "/401": responds(status=401),
        "/429": responds(status=429, headers={"Retry-After": "7"}),
        "/500": responds(status=500),
        "/599": responds(status=599),
        "/404": responds(status=404),
        "/text": "not json",
        "/deep": responds(text="[" * 100_000),
        "/large": responds(body=bytes(20_000_000)),
        "/silent": silent,
    }
    expected = {
        "/401": ProviderFault.UNAUTHORIZED,
        "/429": ProviderFault.OVERLOADED,
        "/500": ProviderFault.SERVER_ERROR,
        "/599": ProviderFault.SERVER_ERROR,
        "/404": ProviderFault.REJECTED,
        "/text": ProviderFault.MALFORMED,
        "/deep": ProviderFault.MALFORMED,
        "/large": ProviderFault.MALFORMED,
        "/silent": ProviderFault.TIMEOUT,
    }
    async with site(pages, host=INNER) as own:
        server = ConfiguredServer("The tester", own.url, seconds=2.0)
        errors = {path: await fault(server.get_json(path)) for path in pages}
    assert {path: error.fault for path, error in errors.items()} == expected
    assert errors["/429"].retry_after == 7
    gone = await fault(server.get_json())
    assert gone.fault is ProviderFault.UNREACHABLE


@pytest.mark.parametrize("address", ["", "localhost:8080", "ftp://there", "http://"])
def test_an_address_that_cannot_be_is_told_of_at_start(address):
    with pytest.raises(ConfigurationError):
        ConfiguredServer("The tester", address)
