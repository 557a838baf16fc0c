"""The files Discord serves: attachments, avatars and emojis."""

from __future__ import annotations

import struct
import zlib

from aiohttp import web

from tests.discord_standin.entities import Attachment
from tests.discord_standin.rest.images import content_type_of
from tests.discord_standin.world import World


class Cdn:
    """Serves a world's files; an avatar given by address is redirected to it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/cdn/attachments/{channel_id}/{attachment_id}/{name}", self.attachment),
            web.get("/cdn/avatars/{owner_id}/{name}", self.avatar),
            web.get("/cdn/embed/avatars/{name}", self.default_avatar),
            web.get("/cdn/emojis/{name}", self.emoji),
        ]

    async def attachment(self, request: web.Request) -> web.StreamResponse:
        found = self._attachment(request)
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found.content, headers={"Content-Type": found.content_type})

    async def avatar(self, request: web.Request) -> web.StreamResponse:
        source = self._world.avatars.get(request.match_info["name"].partition(".")[0])
        if source is None:
            return web.Response(status=404)
        if isinstance(source, str):
            return web.Response(status=302, headers={"Location": source})
        kind = content_type_of(source) or "application/octet-stream"
        return web.Response(body=source, content_type=kind)

    async def emoji(self, request: web.Request) -> web.StreamResponse:
        wanted = request.match_info["name"].partition(".")[0]
        found = self._world.emojis.get(int(wanted)) if wanted.isdecimal() else None
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found.image, content_type=found.content_type)

    async def default_avatar(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=blank_png(), content_type="image/png")

    def _attachment(self, request: web.Request) -> Attachment | None:
        channel_id, wanted = (
            int(request.match_info[name]) for name in ("channel_id", "attachment_id")
        )
        channel = self._world.channels.get(channel_id)
        messages = channel.messages.values() if channel else ()
        found = (each for message in messages for each in message.attachments)
        return next((each for each in found if each.id == wanted), None)


def blank_png() -> bytes:
    """Return a grey image of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00\x80"))
        + chunk(b"IEND", b"")
    )
