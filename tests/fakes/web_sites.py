"""Small web servers on loopback, of which one address stands for the public internet."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from services.net.guard import Address, is_public
from services.net.http import PublicWeb

PUBLIC = "127.0.0.2"
INNER = "127.0.0.1"

Route = Callable[[web.Request], Awaitable[web.StreamResponse]]


def stands_for_public(address: Address) -> bool:
    """The real rule, but for the one address that stands for a public server."""
    return address == ip_address(PUBLIC) or is_public(address)


@dataclass
class Site:
    """A running server and what it was asked."""

    host: str
    port: int = 0
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@asynccontextmanager
async def site(
    pages: Mapping[str, str | bytes | Route] | None = None, *, host: str = PUBLIC
) -> AsyncGenerator[Site, None]:
    """Serve ``pages`` by path: text as HTML, bytes as PDF, or what a function answers."""
    here = Site(host=host)
    routes = dict(pages or {})

    async def answer(request: web.Request) -> web.StreamResponse:
        here.asked.append(request.path_qs)
        here.headers.append(dict(request.headers))
        page = routes.get(request.path)
        if callable(page):
            return await page(request)
        if page is None:
            return web.Response(status=404, text="not here")
        if isinstance(page, bytes):
            return web.Response(body=page, content_type="application/pdf")
        return web.Response(text=page, content_type="text/html")

    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{anything:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        tcp = web.TCPSite(runner, host, 0)
        await tcp.start()
        here.port = tcp._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        yield here
    finally:
        await runner.cleanup()


class Names(AbstractResolver):
    """Finds hosts as told; each host's answers are used up in order, the last one stays.

    An answer is an address and a port, which stands in for the one in the URL.
    """

    def __init__(self, **hosts: list[tuple[str, int]]) -> None:
        self._hosts = {name.replace("_", "."): answers for name, answers in hosts.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self._hosts.get(host)
        if not answers:
            raise OSError("no such name")
        address, real = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(
                hostname=host, host=address, port=real, family=_family(address), proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        return None


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def web_of(**options: Any) -> PublicWeb:
    """The way to the outside, where one loopback address stands for the internet."""
    return PublicWeb(**{"allows": stands_for_public, **options})
