"""Speech that was made before, kept on disk up to a size; what was not heard longest goes first."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import struct
from collections import OrderedDict
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from services.domain.audio import AudioClip
from services.voice.synthesis import Voice

logger = logging.getLogger(__name__)

_HEAD = struct.Struct(">4sI16s")
_MAGIC = b"acc1"
_SUFFIX = ".clip"
_SHARE_OF_ONE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipKey:
    """What a clip says and how; ``engine`` names the model too where that can change."""

    engine: str
    voice: Voice
    text: str

    @property
    def digest(self) -> str:
        """Return the name of the clip's file."""
        told = json.dumps([self.engine, *astuple(self.voice), self.text], ensure_ascii=True)
        return hashlib.sha256(told.encode()).hexdigest()


class ClipCache:
    """Clips in ``folder``, together at most ``most_bytes``.

    A clip is there whole or not at all, whenever the process ends: it is written aside, moved into
    place and verified when it is read. Nothing here raises for a full or failing disk; the clip is
    then made again. Files may be removed from outside at any time.
    """

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = asyncio.Lock()
        self._sizes: OrderedDict[str, int] | None = None
        self._bytes = 0

    async def get(self, key: ClipKey, /) -> AudioClip | None:
        """Return the clip, or ``None``."""
        async with self._lock:
            return await asyncio.to_thread(self._read, key.digest)

    async def put(self, key: ClipKey, clip: AudioClip, /) -> None:
        """Keep a clip; one bigger than an eighth of the whole is not kept."""
        async with self._lock:
            await asyncio.to_thread(self._write, key.digest, clip)

    async def clear(self) -> None:
        """Remove all clips."""
        async with self._lock:
            await asyncio.to_thread(self._shrink, 0)

    def _read(self, digest: str) -> AudioClip | None:
        sizes = self._known()
        if digest not in sizes:
            return None
        path = self._path(digest)
        try:
            data = path.read_bytes()
            clip = _clip(data)
            if clip is None:
                logger.warning("voice clip damaged", extra={"clip": digest})
                path.unlink()
            else:
                os.utime(path)
                sizes.move_to_end(digest)
                return clip
        except OSError:
            pass  # removed meanwhile, or the disk fails: it is made again
        self._forget(digest)
        return None

    def _write(self, digest: str, clip: AudioClip) -> None:
        size = _HEAD.size + len(clip.pcm)
        sizes = self._known()
        if digest in sizes or not clip.pcm or size > self._most_bytes // _SHARE_OF_ONE:
            return
        self._shrink(self._most_bytes - size)
        path = self._path(digest)
        aside = path.with_suffix(".part")
        check = hashlib.sha256(clip.pcm).digest()[:16]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(_HEAD.pack(_MAGIC, clip.rate, check) + clip.pcm)
            aside.replace(path)
        except OSError as error:
            logger.warning("voice clip not kept", extra={"reason": type(error).__name__})
            with suppress(OSError):
                aside.unlink()
            return
        sizes[digest] = size
        self._bytes += size

    def _known(self) -> OrderedDict[str, int]:
        """Return what is on the disk by when it was heard, oldest first."""
        if self._sizes is None:
            found = []
            for path in self._folder.glob(f"*/*{_SUFFIX}"):
                try:
                    stat = path.stat()
                except OSError:
                    continue
                found.append((stat.st_mtime, path.stem, stat.st_size))
            self._sizes = OrderedDict((name, size) for _, name, size in sorted(found))
            self._bytes = sum(self._sizes.values())
        return self._sizes

    def _shrink(self, most: int) -> None:
        sizes = self._known()
        while sizes and self._bytes > most:
            oldest = next(iter(sizes))
            try:
                self._path(oldest).unlink(missing_ok=True)
            except OSError as error:
                logger.warning("voice clip stays", extra={"reason": type(error).__name__})
            self._forget(oldest)

    def _forget(self, digest: str) -> None:
        self._bytes -= self._known().pop(digest, 0)

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / f"{digest}{_SUFFIX}"


def _clip(data: bytes) -> AudioClip | None:
    if len(data) < _HEAD.size:
        return None
    magic, rate, check = _HEAD.unpack_from(data)
    pcm = data[_HEAD.size :]
    whole = magic == _MAGIC and hashlib.sha256(pcm).digest()[:16] == check
    return AudioClip(pcm=pcm, rate=rate) if whole else None
