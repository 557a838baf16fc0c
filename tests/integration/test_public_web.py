"""Opening pages for people over real sockets: nothing inside is reached, nothing is endless."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest
from aiohttp import web

from services.domain.errors import InvalidRequest, Refused
from tests.fakes.web_sites import INNER, PUBLIC, Names, site, web_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

GENERIC = "That page cannot be reached."


@pytest.fixture
async def inner():
    async with site({"/": "the inner secret"}, host=INNER) as found:
        yield found


async def refusal(browser, url, **options):
    with pytest.raises(Refused) as caught:
        await browser.fetch(url, **options)
    return caught.value


def responds(**response):
    async def route(_request):
        return web.Response(**response)

    return route


def leads_to(location, status=302):
    return responds(status=status, headers={"Location": location})


async def test_a_public_page_is_fetched_honestly_and_alone(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {PUBLIC} login me password hush\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def page(_request):
        return web.Response(
            text="<p>Ünï</p>", content_type="text/html", headers={"Set-Cookie": "a=b"}
        )

    async with site({"/a": page}) as public, web_of(ports={public.port}) as browser:
        for _ in range(2):
            found = await browser.fetch(f"{public.url}/a#there")
    assert (found.kind, found.text(), found.url) == (
        "text/html",
        "<p>Ünï</p>",
        f"{public.url}/a",
    )
    for headers in public.headers:
        assert "acore" in headers["User-Agent"]
        assert not {"Authorization", "Cookie", "Referer"} & set(headers)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001",
        "127.1", "0", "0.0.0.0", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]",
    ],
)  # fmt: skip
async def test_no_way_to_write_this_machine_leads_there(inner, host):
    url = f"http://{host}:{inner.port}/"
    async with web_of(ports={inner.port}) as browser:
        error = await refusal(browser, url)
    assert error.user_message == GENERIC
    assert inner.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f000001", "localhost", "[::ffff:127.0.0.1]"])
async def test_those_ways_would_lead_there_without_the_guard(inner, host):
    async with web_of(ports={inner.port}, allows=lambda _: True) as browser:
        assert b"secret" in (await browser.fetch(f"http://{host}:{inner.port}/")).body


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "10.0.0.1", "192.168.0.1", "100.64.0.1", "[fd00:ec2::254]", "[fe80::1]",
     "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[::1]"],
)  # fmt: skip
async def test_inner_addresses_are_never_connected_to(host):
    seen = []

    def noting(address):
        seen.append(address)
        return False

    async with web_of(allows=noting) as browser:
        error = await refusal(browser, f"http://{host}/latest/meta-data/")
    assert error.user_message == GENERIC
    assert len(seen) == 1
    async with web_of() as browser:
        assert (await refusal(browser, f"http://{host}/")).user_message == GENERIC


async def test_a_name_that_changes_its_address_does_not_lead_inside(inner):
    async with site({"/": "public"}) as public:
        names = Names(
            rebind_example=[(PUBLIC, public.port), (INNER, inner.port)],
        )
        async with web_of(resolver=names) as browser:
            first = await browser.fetch("http://rebind.example/")
            await browser.close()
            error = await refusal(browser, "http://rebind.example/")
    assert first.body == b"public"
    assert error.user_message == GENERIC
    assert inner.asked == []


async def test_a_redirect_inside_is_refused_like_a_name_that_is_not_there(inner):
    elsewhere = {
        "/port": leads_to(f"http://{INNER}:{inner.port}/"),
        "/name": leads_to("http://inner.example/", 307),
        "/file": leads_to("file:///etc/passwd"),
        "/user": leads_to("http://me:" + "word@public.example/"),
        "/relative": leads_to("//inner.example/"),
        "/garbage": leads_to("http://[::1"),
    }
    async with site(elsewhere) as public:
        names = Names(public_example=[(PUBLIC, public.port)], inner_example=[(INNER, inner.port)])
        async with web_of(resolver=names) as browser:
            missing = await refusal(browser, "http://nowhere.example/")
            refused = [await refusal(browser, f"http://public.example{path}") for path in elsewhere]
    assert {(one.code, one.user_message) for one in refused} == {
        (missing.code, missing.user_message)
    }
    assert inner.asked == []
    assert len(public.asked) == len(elsewhere)


async def test_five_redirects_are_followed_and_no_sixth():
    hops = {f"/{n}": leads_to(f"/{n + 1}", 301) for n in range(25)}
    async with site(hops | {"/25": "there"}) as public, web_of(ports={public.port}) as browser:
        assert (await browser.fetch(f"{public.url}/20")).body == b"there"
        public.asked.clear()
        assert (await refusal(browser, f"{public.url}/0")).code == "page_redirects"
        assert len(public.asked) == 6


@pytest.mark.parametrize(
    "url",
    [
        "", "no address", "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/",
        "javascript:alert(1)", "data:text/html,hi", "//example.org/", "http://", "http:///x",
        "http://me:word@example.org/", "http://me@example.org/", "http://@example.org/",
        "http://example.org:22/", "http://example.org:8080/", "https://example.org:99999/",
        "http://example.org\\@127.0.0.1/", "http://exa mple.org/", "http://example.org/\r\nHost: x",
        "http://example.org/\x00", "http://[::1", "http://" + "a" * 3000,
    ],
)  # fmt: skip
async def test_what_is_no_public_address_is_refused_before_any_name_is_looked_up(url):
    names = Names()
    async with web_of(resolver=names) as browser:
        with pytest.raises(InvalidRequest):
            await browser.fetch(url)
    assert names.asked == []


async def test_bodies_are_measured_unpacked():
    big = b"a" * 200_000

    async def endless(request):
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    def packed(body, coding):
        return responds(body=body, headers={"Content-Encoding": coding}, content_type="text/html")

    bare = zlib.compressobj(wbits=-15)
    pages = {
        "/endless": endless,
        "/bomb": packed(gzip.compress(bytes(300_000_000)), "gzip"),
        "/length": responds(body=bytes(2_000_000), content_type="text/html"),
        "/gzip": packed(gzip.compress(big), "gzip"),
        "/members": packed(gzip.compress(big[:5]) + gzip.compress(big[5:]), "gzip"),
        "/zlib": packed(zlib.compress(big), "deflate"),
        "/bare": packed(bare.compress(big) + bare.flush(), "deflate"),
        "/damaged": packed(b"\x1f\x8bnonsense" * 9, "gzip"),
        "/brotli": packed(b"whatever", "br"),
    }
    async with site(pages) as public, web_of(ports={public.port}) as browser:
        for path in ("/endless", "/bomb", "/length"):
            error = await refusal(browser, public.url + path, most_bytes=1_000_000)
            assert (error.code, path) == ("page_large", path)
            assert "1 MB" in error.user_message
        for path in ("/gzip", "/members", "/zlib", "/bare"):
            assert (await browser.fetch(public.url + path)).body == big, path
        for path in ("/damaged", "/brotli"):
            assert (await refusal(browser, public.url + path)).code == "page_damaged"


async def test_a_server_that_drips_or_is_silent_is_given_up_by_one_deadline():
    async def dripping(request):
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.02)

    async def silent(_request):
        await asyncio.sleep(30)
        return web.Response()

    async with (
        site({"/drip": dripping, "/silent": silent}) as public,
        web_of(ports={public.port}) as browser,
    ):
        for path in ("/drip", "/silent"):
            async with asyncio.timeout(10):
                error = await refusal(browser, public.url + path, seconds=0.3)
            assert error.user_message == GENERIC


async def test_wrong_types_and_refusals_of_servers_are_told_apart():
    pages = {
        "/zip": responds(body=b"PK", content_type="application/zip"),
        "/none": responds(body=b"x", headers={"Content-Type": ""}),
        "/gone": responds(status=410),
    }
    async with site(pages) as public, web_of(ports={public.port}) as browser:
        assert (await refusal(browser, f"{public.url}/zip")).code == "page_kind"
        assert (await refusal(browser, f"{public.url}/none")).code == "page_kind"
        assert "410" in (await refusal(browser, f"{public.url}/gone")).user_message
        found = await browser.fetch(f"{public.url}/zip", kinds={"application/zip"})
    assert found.body == b"PK"


async def test_something_that_does_not_speak_http_is_refused():
    async def rude(_reader, writer):
        writer.write(b"SSH-2.0-nothing\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(rude, PUBLIC, 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with web_of(ports={port}) as browser:
            assert (await refusal(browser, f"http://{PUBLIC}:{port}/")).user_message == GENERIC
