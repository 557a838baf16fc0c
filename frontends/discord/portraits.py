"""Addresses of the characters' pictures that Discord itself serves."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import discord
from PIL import Image

from frontends.discord.posting import PostingFailed, translated
from services.domain.ids import PersonaId
from services.lifecycle import Supervisor
from services.persona.character import Persona

logger = logging.getLogger(__name__)

_SIDE = 128  # at most 64 KiB as a PNG, and Discord takes 256
_MOST_PIXELS = 32_000_000
_PATIENCE = 2.0
_AGAIN = 60.0
_MOST = 1_000
_PREFIX = "acore_"

ReadPicture = Callable[[Persona], Awaitable[bytes | None]]
_Key = tuple[PersonaId, str]


@dataclass(frozen=True, slots=True)
class _Search:
    task: asyncio.Task[None]
    begun: float


class Portraits:
    """Keeps each character's picture as an emoji of the application.

    A webhook shows a picture by its address, and a bot on somebody's own machine has no public
    one; an application's emojis have, for ever, and nobody else sees them. Named by their content,
    they survive restarts, and a new picture gets a new one: while a character talks, its picture is
    looked at every minute.
    """

    def __init__(
        self, client: discord.Client, *, read: ReadPicture, supervisor: Supervisor
    ) -> None:
        self._client = client
        self._read = read
        self._supervisor = supervisor
        self._known: dict[str, str] | None = None
        self._urls: dict[_Key, str | None] = {}
        self._drawn: dict[bytes, str | None] = {}
        self._searches: dict[_Key, _Search] = {}
        self._lock = asyncio.Lock()

    async def url(self, persona: Persona) -> str | None:
        """Return where the character's picture is; ``None`` without one, or as long as it is not
        known.

        The first two seconds of a search are waited for and no more, whoever asks. The next is made
        a minute later; until it has found a changed picture, the one before is shown.
        """
        key = (persona.id, persona.version)
        search = self._search(key, persona)
        if key not in self._urls:
            left = search.begun + _PATIENCE - self._now()
            if left > 0.0:
                await asyncio.wait([search.task], timeout=left)
        return self._urls.get(key)

    async def warm(self, personas: list[Persona]) -> None:
        """Have the pictures of ``personas`` ready."""
        for persona in personas[:_MOST]:
            key = (persona.id, persona.version)
            if key not in self._urls:
                await asyncio.wait([self._search(key, persona).task])

    def _search(self, key: _Key, persona: Persona) -> _Search:
        known = self._searches.get(key)
        now = self._now()
        if known is not None and not (known.task.done() and now - known.begun > _AGAIN):
            return known
        if len(self._searches) >= _MOST:
            self._searches = {
                key: one for key, one in self._searches.items() if not one.task.done()
            }
        task = self._supervisor.start("portrait", lambda: self._find(key, persona))
        found = self._searches[key] = _Search(task, now)
        return found

    async def _find(self, key: _Key, persona: Persona) -> None:
        try:
            async with self._lock:
                url = await self._look_up(persona)
                if len(self._urls) >= _MOST and key not in self._urls:
                    self._urls.clear()
                self._urls[key] = url
        except PostingFailed as error:
            self._known = None
            logger.warning("a picture could not be kept", extra={"code": error.code})
        except RuntimeError:  # aiohttp's, of a session that is closed
            if not self._client.is_closed():
                raise
            logger.info("a picture was not kept, because the bot leaves")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _look_up(self, persona: Persona) -> str | None:
        picture = await self._read(persona)
        if picture is None:
            return None
        content = await asyncio.to_thread(_digest, picture)
        if content not in self._drawn:
            small = await asyncio.to_thread(_shrunk, picture)
            if len(self._drawn) >= _MOST:
                self._drawn.clear()
            self._drawn[content] = None if small is None else await self._emoji(small)
        return self._drawn[content]

    async def _emoji(self, small: bytes) -> str:
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


def _digest(picture: bytes) -> bytes:
    return hashlib.sha256(picture).digest()


def _shrunk(picture: bytes) -> bytes | None:
    """Return a picture as a small square PNG; ``None`` when it cannot be read."""
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                logger.warning("a character's picture has too many pixels")
                return None
            image = opened.convert("RGBA")
    except Exception as error:  # noqa: BLE001  decoders raise anything on broken files
        logger.warning(
            "a character's picture cannot be read", extra={"error": type(error).__name__}
        )
        return None
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 3
    image = image.crop((left, top, left + side, top + side)).resize((_SIDE, _SIDE))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
