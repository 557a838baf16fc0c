"""One process per database."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from services.domain.errors import Busy


class ProcessLock:
    """An exclusive lock on a file, which the kernel drops however the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises ``Busy`` while another process holds it."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(file)
            raise Busy(
                "database_in_use",
                f"Another acore is using {self._path.parent}; "
                "stop it or choose another folder with --data.",
            ) from error
        self._file = file

    def release(self) -> None:
        """Give the lock up. The file stays: removing it would let two processes lock two files."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
