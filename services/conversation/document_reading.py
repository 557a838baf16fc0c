"""Attached documents as passages, read once and kept for the next questions."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path, PurePath

from services.conversation.file_names import shown_name
from services.domain.errors import AcoreError, InvalidRequest
from services.domain.messages import BlobPart
from services.memory.documents.chunking import Passage
from services.memory.documents.extraction import Extractor, extractor
from services.memory.documents.reading import READABLE

logger = logging.getLogger(__name__)

READ_SECONDS = 20.0
"""How long reading one document may take."""

_MOST_PASSAGES = 3_000
_MOST_CHARACTERS = 1_500_000
_MOST_PAGES = 500
_KEPT_CHARACTERS = 4_000_000
_KIND_BY_TYPE = {
    "application/pdf": ".pdf",
    "application/json": ".json",
    "application/xml": ".xml",
    "application/yaml": ".yaml",
    "application/x-yaml": ".yaml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "text/html": ".html",
    "text/markdown": ".md",
}
_CODE = frozenset({"application/javascript", "application/toml", "application/x-sh"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """What a document says; ``cut`` tells that it goes on beyond what is read of one."""

    passages: tuple[Passage, ...]
    cut: bool = False

    @property
    def characters(self) -> int:
        """How much text it has."""
        return sum(len(passage.text) for passage in self.passages)


def is_document(part: BlobPart) -> bool:
    """Tell whether what is attached can be read as text."""
    return _kind(part) is not None


class DocumentReading:
    """Reads attachments in a process of its own, one at a time.

    Of one document 1,500,000 characters or 500 pages are read. The last ones read are kept in
    memory, 4,000,000 characters of them.
    """

    def __init__(self, read_blob: Callable[[str], Awaitable[bytes]]) -> None:
        self._read_blob = read_blob
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[tuple[str, str], ReadDocument] = OrderedDict()

    async def read(self, part: BlobPart) -> ReadDocument:
        """Return what an attachment says; raises ``InvalidRequest`` with a sentence, ``NotFound``.

        Takes ``READ_SECONDS`` at most.
        """
        kind = _kind(part)
        if kind is None:
            raise InvalidRequest(
                "document_kind",
                "it is no document that can be read: text, Markdown, PDF, HTML, Word or "
                "OpenDocument.",
            )
        async with self._turn:
            key = part.sha256, kind
            known = self._kept.get(key)
            if known is None:
                known = self._kept[key] = await self._extracted(part, kind)
            if key in self._kept:
                self._kept.move_to_end(key)
            while len(self._kept) > 1 and self._characters() > _KEPT_CHARACTERS:
                self._kept.popitem(last=False)
        return known

    def refresh(self) -> None:
        """Forget every document that is held."""
        self._kept.clear()

    def _characters(self) -> int:
        return sum(document.characters for document in self._kept.values())

    async def _extracted(self, part: BlobPart, kind: str) -> ReadDocument:
        content = await self._read_blob(part.sha256)
        path = await asyncio.to_thread(_placed, content, kind)
        try:
            async with asyncio.timeout(READ_SECONDS), extractor() as reader:
                return await _passages(reader, path)
        except TimeoutError as error:
            raise InvalidRequest("document_slow", "reading it takes too long.") from error
        except AcoreError as error:
            sentence = error.user_message.replace(path.name, shown_name(part.name))
            raise InvalidRequest(error.code, sentence) from error
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)


async def _passages(reader: Extractor, path: Path) -> ReadDocument:
    found: list[Passage] = []
    size = 0
    async with aclosing(reader.read(path)) as passages:
        async for passage in passages:
            if (
                len(found) >= _MOST_PASSAGES
                or size >= _MOST_CHARACTERS
                or (passage.page or 0) > _MOST_PAGES
            ):
                return ReadDocument(passages=tuple(found), cut=True)
            found.append(passage)
            size += len(passage.text)
    return ReadDocument(passages=tuple(found))


def _placed(content: bytes, kind: str) -> Path:
    """Write what is to be read where the reading process finds it, for nobody else to see."""
    handle, name = tempfile.mkstemp(prefix="acore-", suffix=kind)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return Path(name)


def _kind(part: BlobPart) -> str | None:
    """Return the ending that says how to read it; what the name says counts before the type."""
    if part.kind != "file":
        return None
    ending = PurePath(part.name).suffix.lower()
    if ending in READABLE:
        return ending
    if part.media_type in _KIND_BY_TYPE:
        return _KIND_BY_TYPE[part.media_type]
    return ".txt" if part.media_type.startswith("text/") or part.media_type in _CODE else None
