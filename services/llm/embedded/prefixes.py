"""Evaluated system prompts on disk, so that a new process need not evaluate them again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_DIGEST_LETTERS = 16


def model_identity(path: Path) -> str:
    """Return a name for the model file's contents that costs no full read of it.

    Size, modification time and the first 64 KiB: a file replaced in place gets another one.
    """
    status = path.stat()
    with path.open("rb") as file:
        start = file.read(1 << 16)
    digest = hashlib.sha256(start)
    digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()


class PrefixFiles:
    """At most ``keep`` snapshots in ``folder``; the least recently used go first.

    A snapshot's file name holds the key of its prompt and a digest of its bytes, so a damaged one
    is known before llama.cpp reads it. ``stamp`` names everything else a snapshot depends on:
    model, context size, version of llama.cpp. Every method blocks on the disk.
    """

    def __init__(self, folder: Path, *, stamp: str, keep: int = 16) -> None:
        self._folder = folder
        self._stamp = stamp
        self._keep = keep

    def open(self) -> None:
        """Make the folder, readable by its owner alone, and drop what dead processes left."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.glob("*.tmp"):
            if not _alive(path.stem.rpartition("-")[2]):
                path.unlink(missing_ok=True)

    def temporary(self, key: str) -> str:
        """Return the file name under which this process writes the snapshot of ``key``."""
        return f"{key}-{os.getpid()}.tmp"

    def key(self, prompt: str) -> str:
        """Return the name under which ``prompt`` is kept."""
        return hashlib.sha256(f"{self._stamp}\0{prompt}".encode()).hexdigest()

    def find(self, key: str) -> str | None:
        """Return the file name of an intact snapshot, or ``None``; a damaged one is deleted."""
        for path in self._folder.glob(f"{key}-*.bin"):
            if path.stem.rpartition("-")[2] == _digest(path):
                path.touch()
                return path.name
            path.unlink(missing_ok=True)
        return None

    def adopt(self, key: str, temporary: str) -> None:
        """Take the finished file ``temporary`` of the folder in as the snapshot of ``key``."""
        path = self._folder / temporary
        path.replace(self._folder / f"{key}-{_digest(path)}.bin")
        newest_first = sorted(
            self._folder.glob("*.bin"), key=lambda file: file.stat().st_mtime_ns, reverse=True
        )
        for old in newest_first[self._keep :]:
            old.unlink(missing_ok=True)

    def drop(self, file_name: str) -> None:
        """Delete a file that turned out to be of no use."""
        (self._folder / file_name).unlink(missing_ok=True)


def _alive(process: str) -> bool:
    return process.isdigit() and Path(f"/proc/{process}").exists()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGEST_LETTERS]
