"""Servers that make pictures, as AUTOMATIC1111, ComfyUI and OpenAI's API answer, with faults."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.picture_files import picture
from tests.fakes.web_sites import INNER, Site, site

TICKET = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"


@dataclass
class PictureServer:
    """The running server; what is set here changes how it answers.

    ``looks`` is how often ComfyUI's history is empty first; ``linked`` has the OpenAI API answer
    with an address; ``claims`` sends so many bytes as the length, without them.
    """

    site: Site
    picture: bytes = field(default_factory=picture)
    status: int = 200
    delay: float = 0.0
    claims: int = 0
    raw: bytes | None = None
    looks: int = 2
    failed: bool = False
    linked: str = ""
    sent: list[tuple[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.site.url

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.sent.append((request.path, body))
        self.keys.append(request.headers.get("Authorization", ""))
        await asyncio.sleep(self.delay)
        if self.status != 200:
            return web.json_response({"error": "no"}, status=self.status)
        if self.claims:
            response = web.StreamResponse(headers={"Content-Length": str(self.claims)})
            await response.prepare(request)
            return response
        if self.raw is not None:
            return web.Response(body=self.raw, content_type="application/json")
        return self._answers(request)

    def _answers(self, request: web.Request) -> web.StreamResponse:
        coded = base64.b64encode(self.picture).decode()
        match request.path:
            case "/sdapi/v1/txt2img" | "/sdapi/v1/img2img":
                return web.json_response({"images": [coded], "parameters": {}, "info": ""})
            case "/prompt":
                return web.json_response({"prompt_id": TICKET, "number": 1, "node_errors": {}})
            case "/view":
                return web.Response(body=self.picture, content_type="image/png")
            case "/v1/images/generations":
                entry = {"url": self.linked} if self.linked else {"b64_json": coded}
                return web.json_response({"created": 1, "data": [entry]})
            case "/v1/files/one.png":
                return web.Response(body=self.picture, content_type="image/png")
            case "/queue":
                return web.Response()
            case _:
                return self._history()

    def _history(self) -> web.StreamResponse:
        if self.looks:
            self.looks -= 1
            return web.json_response({})
        status = "error" if self.failed else "success"
        made = {"filename": "acore_1.png", "subfolder": "a b", "type": "output"}
        outputs = {} if self.failed else {"9": {"images": [made]}}
        entry = {"status": {"status_str": status, "completed": True}, "outputs": outputs}
        return web.json_response({TICKET: entry})


@asynccontextmanager
async def picture_server() -> AsyncGenerator[PictureServer, None]:
    """Serve all three at one address of this machine."""
    paths = (
        "/sdapi/v1/txt2img",
        "/sdapi/v1/img2img",
        "/prompt",
        f"/history/{TICKET}",
        "/view",
        "/queue",
        "/v1/images/generations",
        "/v1/files/one.png",
    )
    server: PictureServer

    async def answer(request: web.Request) -> web.StreamResponse:
        return await server.answer(request)

    async with site(dict.fromkeys(paths, answer), host=INNER) as running:
        server = PictureServer(running)
        yield server
