"""Addresses of the characters' pictures that Discord itself serves."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
from collections.abc import Awaitable, Callable, Mapping

import discord
from PIL import Image

from frontends.discord.posting import PostingFailed, translated
from services.domain.ids import PersonaId
from services.lifecycle import Supervisor
from services.persona.character import Persona

logger = logging.getLogger(__name__)

_SIDE = 128
_LARGEST = 256 * 1024
_PATIENCE = 2.0
_MOST = 1_000
_PREFIX = "acore_"

ReadPicture = Callable[[Persona], Awaitable[bytes | None]]


class Portraits:
    """Keeps each character's picture as an emoji of the application.

    A webhook shows a picture by its address, and a bot on somebody's own machine has no public
    one; an application's emojis have, for ever, and nobody else sees them. Named by their content,
    they survive restarts, and a new picture gets a new one.
    """

    def __init__(
        self, client: discord.Client, *, read: ReadPicture, supervisor: Supervisor
    ) -> None:
        self._client = client
        self._read = read
        self._supervisor = supervisor
        self._known: dict[str, str] | None = None
        self._urls: dict[tuple[PersonaId, str], str | None] = {}
        self._lock = asyncio.Lock()

    async def url(self, persona: Persona) -> str | None:
        """Return where the character's picture is, waiting two seconds at most; else ``None``."""
        key = (persona.id, persona.version)
        if key in self._urls:
            return self._urls[key]
        task = self._supervisor.start("portrait", lambda: self._find(persona))
        await asyncio.wait([task], timeout=_PATIENCE)
        return self._urls.get(key)

    async def warm(self, personas: list[Persona]) -> None:
        """Have the pictures of ``personas`` ready."""
        for persona in personas[:_MOST]:
            await self._find(persona)

    async def _find(self, persona: Persona) -> None:
        key = (persona.id, persona.version)
        async with self._lock:
            if key in self._urls:
                return
            if len(self._urls) >= _MOST:
                self._urls.clear()
            try:
                self._urls[key] = await self._look_up(persona)
            except PostingFailed as error:
                logger.warning("a picture could not be kept", extra={"code": error.code})

    async def _look_up(self, persona: Persona) -> str | None:
        picture = await self._read(persona)
        if picture is None:
            return None
        small = await asyncio.to_thread(_shrunk, picture)
        if small is None:
            return None
        name = _PREFIX + hashlib.sha256(small).hexdigest()[:20]
        known = await self._emojis()
        if name not in known:
            async with translated():
                emoji = await self._client.create_application_emoji(name=name, image=small)
            self._known = {**known, name: emoji.url}
        return (self._known or {})[name]

    async def _emojis(self) -> Mapping[str, str]:
        if self._known is None:
            async with translated():
                found = await self._client.fetch_application_emojis()
            self._known = {emoji.name: emoji.url for emoji in found}
        return self._known


def _shrunk(picture: bytes) -> bytes | None:
    """Return a picture as a small square PNG; ``None`` when it cannot be read."""
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            image = opened.convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError):
        logger.warning("a character's picture cannot be read")
        return None
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 3
    image = image.crop((left, top, left + side, top + side)).resize((_SIDE, _SIDE))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    if out.tell() > _LARGEST:
        out = io.BytesIO()
        image.convert("P", palette=Image.Palette.ADAPTIVE).save(out, "PNG", optimize=True)
    return out.getvalue()
