"""Putting restored data in place of what was there, in a way that a crash cannot leave half done.

What is restored waits in ``restoring/new`` of the data folder. That folder appears complete, by one
rename; from then on the restore counts as done, and whoever opens the data next finishes it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from services.domain.errors import Busy
from services.storage.archive import DATABASE, FOLDERS

WAITING = "restoring"
NEW = "new"
ASIDE = "replaced-"
"""What was there before lies in ``replaced-<moment>`` of the data folder afterwards."""

_COMPANIONS = ("-wal", "-shm", "-journal")


def refuse_unfinished(data: Path) -> None:
    """Raise ``Busy`` while a restore waits to be finished."""
    if (data / WAITING).is_dir():
        raise Busy(
            "restore_unfinished",
            f"A restore into {data} was cut off; start acore once, which finishes it.",
        )


def finish_replacement(data: Path) -> Path | None:
    """Finish a restore that was decided on; return where the old data lies, if there was any.

    Call it with the data folder's lock held; without a waiting restore it does nothing. Cut off
    anywhere, the next call goes on. Raises ``OSError``.
    """
    waiting = data / WAITING
    if not waiting.is_dir():
        return None
    new = waiting / NEW
    aside = next(iter(waiting.glob(f"{ASIDE}*")), None)
    for name in (DATABASE, *FOLDERS):
        if not (new / name).exists():
            continue
        if aside is not None:
            for old in (name, *(name + end for end in _COMPANIONS if name == DATABASE)):
                if (data / old).exists():
                    (data / old).rename(aside / old)
        (new / name).rename(data / name)
    flush(data)
    kept = _keep(aside, data) if aside is not None else None
    shutil.rmtree(waiting)
    return kept


def flush(path: Path) -> None:
    """Wait until a file or a folder's entries are on the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _keep(aside: Path, data: Path) -> Path | None:
    flush(aside)
    if not any(aside.iterdir()):
        return None
    kept = data / aside.name
    aside.rename(kept)
    flush(data)
    return kept
