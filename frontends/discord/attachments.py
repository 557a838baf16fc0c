"""What people attach, fetched from Discord and kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import aiohttp
import discord

from services.domain.errors import InvalidRequest
from services.domain.messages import BlobPart
from services.storage.blobs import BlobStore

logger = logging.getLogger(__name__)

_MOST = 10
_SECONDS = 30.0
_CHUNK = 64 * 1024
_LONGEST_NAME = 120


class Attachments:
    """Fetches attachments, ten of a message at most, each as large as the store takes."""

    def __init__(self, http: aiohttp.ClientSession, blobs: BlobStore) -> None:
        self._http = http
        self._blobs = blobs

    async def of(self, attached: Sequence[discord.Attachment]) -> tuple[BlobPart, ...]:
        """Return what is attached to a message; what cannot be fetched in time is left out.

        Raises ``InvalidRequest`` for what is too large.
        """
        parts = []
        until = asyncio.get_running_loop().time() + _SECONDS
        for one in attached[:_MOST]:
            media_type = (one.content_type or "application/octet-stream").split(";")[0].strip()
            try:
                async with asyncio.timeout_at(until):
                    stored = await self._blobs.put(self._content(one), media_type=media_type)
            except (aiohttp.ClientError, TimeoutError) as error:
                logger.warning("an attachment could not be fetched", extra={"why": type(error)})
                continue
            parts.append(
                BlobPart(
                    kind=_kind(media_type),
                    sha256=stored.sha256,
                    media_type=media_type,
                    name=one.filename[:_LONGEST_NAME],
                    size=stored.size,
                )
            )
        return tuple(parts)

    async def read(self, one: discord.Attachment, *, most_bytes: int) -> bytes:
        """Return the bytes of an attachment, without keeping them.

        Raises ``InvalidRequest`` for one that is too large or cannot be fetched.
        """
        if one.size > most_bytes:
            raise too_large(one.filename, most_bytes)
        content = bytearray()
        try:
            async for chunk in self._content(one):
                content += chunk
                if len(content) > most_bytes:
                    raise too_large(one.filename, most_bytes)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise InvalidRequest(
                "attachment_unreachable", "That file could not be fetched; attach it again."
            ) from error
        return bytes(content)

    async def _content(self, one: discord.Attachment) -> AsyncIterator[bytes]:
        async with self._http.get(one.url) as response:
            response.raise_for_status()
            async for chunk in response.content.iter_chunked(_CHUNK):
                yield chunk


def too_large(name: str, most_bytes: int) -> InvalidRequest:
    """Return the error for a file beyond a limit."""
    return InvalidRequest(
        "attachment_large",
        f"{name[:_LONGEST_NAME]} is larger than {most_bytes // 2**20} MB; attach a smaller file.",
    )


def _kind(media_type: str) -> str:
    kind = media_type.partition("/")[0]
    return kind if kind in ("image", "audio") else "file"
