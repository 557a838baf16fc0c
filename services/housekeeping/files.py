"""Removing old files, carefully."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from services.housekeeping.chore import ChoreReport, Round

logger = logging.getLogger(__name__)


def last_written(status: os.stat_result) -> float:
    """Return when a file's bytes were changed last, in seconds since the epoch."""
    return status.st_mtime


def last_used(status: os.stat_result) -> float:
    """Return when a file was read or changed last, as far as the disk notes reading."""
    return max(status.st_atime, status.st_mtime)


def remove_older(
    files: Iterator[Path],
    circumstances: Round,
    *,
    age: timedelta,
    moment: Callable[[os.stat_result], float] = last_written,
) -> ChoreReport:
    """Remove those regular files whose ``moment`` lies more than ``age`` back; blocks.

    Links are left alone, and so is a file that cannot be removed, with a warning in the log.
    """
    before = (circumstances.as_of - age).timestamp()
    removed, size = 0, 0
    for path in files:
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or moment(status) >= before:
                continue
            if not circumstances.rehearsal:
                path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            logger.warning(
                "a file could not be removed", extra={"path": str(path), "reason": str(error)}
            )
            continue
        removed, size = removed + 1, size + status.st_size
    return ChoreReport(removed=removed, bytes=size)


def below(folder: Path) -> Iterator[Path]:
    """Yield everything below ``folder`` that is not a folder, following no links."""
    for root, _, names in os.walk(folder):
        for name in names:
            yield Path(root) / name


def remove_empty_folders(folder: Path, *, written_before: datetime) -> None:
    """Remove the empty folders below ``folder`` that nobody has put anything into lately."""
    before = written_before.timestamp()
    for root, _, _ in os.walk(folder, topdown=False):
        path = Path(root)
        with suppress(OSError):  # not empty, or gone
            if path != folder and path.stat().st_mtime < before:
                path.rmdir()
