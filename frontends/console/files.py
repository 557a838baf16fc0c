"""Files of this machine that go into a talk, and those that come out of it."""

from __future__ import annotations

import asyncio
import mimetypes
import re
from pathlib import Path

from services.domain.errors import InvalidRequest, StorageError
from services.domain.messages import BlobPart
from services.settings import StorageSettings
from services.storage.blobs import BlobStore

_STRANGE = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 60


class ConsoleFiles:
    """Reads files that are named in the terminal, and saves those of answers.

    What is saved lies in ``pictures`` in the data folder.
    """

    def __init__(self, blobs: BlobStore, settings: StorageSettings) -> None:
        self._blobs = blobs
        self._folder = settings.data / "pictures"
        self._most_bytes = settings.max_attachment_mb * 2**20

    async def read(self, path: str) -> bytes:
        """Return what is in a file; raises ``InvalidRequest`` with a sentence."""
        return await asyncio.to_thread(self._read, path)

    async def attach(self, path: str) -> BlobPart:
        """Keep a file as an attachment; raises ``InvalidRequest``, ``StorageError``."""
        content = await self.read(path)
        name = Path(path).name
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        stored = await self._blobs.put(content, media_type=media_type)
        kind = media_type.partition("/")[0]
        return BlobPart(
            kind=kind if kind in ("image", "audio") else "file",
            sha256=stored.sha256,
            media_type=media_type,
            name=name,
            size=stored.size,
        )

    async def save(self, part: BlobPart) -> Path:
        """Write a file of an answer and return where; raises ``NotFound``, ``StorageError``."""
        content = await self._blobs.read(part.sha256)
        return await self.write(part.name, content, mark=part.sha256[:8])

    async def write(self, name: str, content: bytes, *, mark: str) -> Path:
        """Write ``content`` under ``name`` and ``mark``; raises ``StorageError``."""
        plain = Path(_STRANGE.sub("-", name)[-_LONGEST_NAME:].lstrip(".-") or "file")
        path = self._folder / f"{plain.stem}-{mark}{plain.suffix}"
        try:
            await asyncio.to_thread(_write, path, content)
        except OSError as error:
            raise StorageError(
                "picture_write", f"{path} cannot be written: {error.strerror}."
            ) from error
        return path

    def _read(self, path: str) -> bytes:
        file = Path(path).expanduser()
        try:
            if not file.is_file():
                raise InvalidRequest("file_missing", f"There is no file {path[:200]}.")
            with file.open("rb") as opened:
                content = opened.read(self._most_bytes + 1)
        except (OSError, ValueError) as error:
            raise InvalidRequest("file_unreadable", f"{path[:200]} cannot be read.") from error
        if len(content) > self._most_bytes:
            raise InvalidRequest(
                "attachment_too_large", f"Attachments may have {self._most_bytes >> 20} MB at most."
            )
        return content


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
