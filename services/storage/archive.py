"""The archive a backup is: a tar of everything that cannot be rebuilt, its manifest at the end."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from services.domain.errors import InvalidRequest

FORMAT = 1
DATABASE = "acore.db"
BLOBS = "blobs"
CHARACTERS = "characters"
FOLDERS = (BLOBS, CHARACTERS)
"""The folders of the data folder that an archive holds beside the database."""

_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 256 * 2**20
_BLOCK = 1 << 20


class Stopped(Exception):  # noqa: N818
    """The work was given up because someone asked for it."""


class ArchivedFile(BaseModel):
    """One file of an archive, named relative to the data folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    size: int
    sha256: str


class Manifest(BaseModel):
    """What an archive holds; without it an archive is not complete.

    ``revision`` is the database's, ``counts`` the rows of some of its tables, ``missing`` the
    attachments that were no longer stored when it was made.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int
    made_at: datetime
    revision: str
    counts: Mapping[str, int]
    files: tuple[ArchivedFile, ...]
    missing: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Return how many bytes the files have."""
        return sum(file.size for file in self.files)


class ArchiveWriter:
    """Writes an archive into ``file``; setting ``stop`` ends it with ``Stopped``."""

    def __init__(self, file: IO[bytes], *, stop: threading.Event) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w")  # noqa: SIM115  finish() closes it
        self._stop = stop
        self._files: list[ArchivedFile] = []
        self._missing: list[str] = []

    def add(self, path: Path, name: str) -> None:
        """Add a file; one that is gone is noted as missing. Raises ``OSError``."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            self._missing.append(name)
            return
        with file:
            status = os.fstat(file.fileno())
            content = _Hashed(file, self._stop)
            info = _entry(name, size=status.st_size, at=status.st_mtime)
            self._tar.addfile(info, content)
        self._files.append(ArchivedFile(name=name, size=info.size, sha256=content.hexdigest()))

    def finish(self, *, made_at: datetime, revision: str, counts: Mapping[str, int]) -> Manifest:
        """Add the manifest, which makes the archive complete."""
        manifest = Manifest(
            format=FORMAT,
            made_at=made_at,
            revision=revision,
            counts=counts,
            files=tuple(self._files),
            missing=tuple(self._missing),
        )
        text = manifest.model_dump_json(indent=1).encode()
        info = _entry(_MANIFEST, size=len(text), at=made_at.timestamp())
        self._tar.addfile(info, io.BytesIO(text))
        self._tar.close()
        return manifest


class ArchiveReader:
    """A complete archive; ``manifest`` says what is in it."""

    def __init__(self, tar: tarfile.TarFile, path: Path) -> None:
        self._tar = tar
        self._path = path
        self.manifest = self._read_manifest()

    def extract(self, into: Path, *, written: Callable[[Path], None]) -> None:
        """Write every file below ``into``, and call ``written`` for each one.

        Raises ``InvalidRequest`` as soon as one is not what the manifest says, and ``OSError``.
        """
        for listed in self.manifest.files:
            target = into / listed.name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with target.open("xb") as out:
                self._copy(listed, out)
            target.chmod(0o600)
            written(target)

    def _copy(self, listed: ArchivedFile, out: IO[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with self._member(listed.name) as file:
            while block := file.read(_BLOCK):
                size += len(block)
                digest.update(block)
                out.write(block)
        if size != listed.size or digest.hexdigest() != listed.sha256:
            raise damaged_archive(self._path)

    @contextmanager
    def _member(self, name: str) -> Iterator[IO[bytes]]:
        try:
            member = self._tar.getmember(name)
            file = self._tar.extractfile(member) if member.isreg() else None
        except KeyError as error:
            raise damaged_archive(self._path) from error
        if file is None:
            raise damaged_archive(self._path)
        with file:
            yield file

    def _read_manifest(self) -> Manifest:
        with self._member(_MANIFEST) as file:
            text = file.read(_LARGEST_MANIFEST)
        try:
            manifest = Manifest.model_validate_json(text)
        except ValidationError as error:
            raise damaged_archive(self._path) from error
        if manifest.format > FORMAT:
            raise InvalidRequest(
                "backup_newer", f"{self._path} was written by a newer acore; update acore first."
            )
        names = [file.name for file in manifest.files]
        if DATABASE not in names or len(set(names)) < len(names) or not all(map(_belongs, names)):
            raise damaged_archive(self._path)
        return manifest


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Open a complete archive; raises ``InvalidRequest`` for anything else, and ``OSError``."""
    try:
        with tarfile.open(path, mode="r:") as tar:
            yield ArchiveReader(tar, path)
    except tarfile.TarError as error:
        raise damaged_archive(path) from error


def damaged_archive(path: Path) -> InvalidRequest:
    """Say that a file is not a complete backup."""
    return InvalidRequest(
        "backup_damaged", f"{path} is not a complete backup of acore; choose another one."
    )


class _Hashed:
    """Reads from a file and hashes what it read."""

    def __init__(self, file: IO[bytes], stop: threading.Event) -> None:
        self._file = file
        self._stop = stop
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        if self._stop.is_set():
            raise Stopped
        block = self._file.read(size)
        self._digest.update(block)
        return block

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _entry(name: str, *, size: int, at: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mtime = int(at)
    info.mode = 0o600
    return info


def _belongs(name: str) -> bool:
    """Say whether ``name`` is a place in a data folder that archives may fill."""
    path = PurePosixPath(name)
    if str(path) != name or ".." in path.parts or "\0" in name:
        return False
    return name == DATABASE or (len(path.parts) > 1 and path.parts[0] in FOLDERS)
