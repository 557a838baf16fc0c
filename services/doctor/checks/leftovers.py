"""Temporary files and broken-off downloads that nobody came back for."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from services.doctor.check import Case, Check, Finding, fine, warning
from services.doctor.places import backups_folder, in_use, readable_size, weight
from services.domain.errors import Busy
from services.llm.embedded.catalog import installed_models
from services.settings import Settings

_UNUSED_HOURS = 24.0
_IN_DATA = ("blobs/.*.part", "models/*.part", "models/*.part.etag", "backups/*.part")


async def _leftovers(case: Case) -> Finding:
    found = await asyncio.to_thread(lambda: list(_left(case)))
    if not found:
        return fine("No temporary files and broken-off downloads lie around.")
    size = await asyncio.to_thread(lambda: sum(map(weight, found)))
    return warning(
        f"Temporary files or broken-off downloads take {readable_size(size)}: {_listed(found)}.",
        fix="Run `main.py doctor --fix`, which removes them.",
        cause="data",
    )


async def _remove_leftovers(case: Case) -> None:
    await asyncio.to_thread(_remove, case)


def _remove(case: Case) -> None:
    if in_use(case):
        raise Busy("database_in_use", "acore is running; stop it, so that nothing is in use.")
    for path in _left(case):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _left(case: Case) -> Iterator[Path]:
    """Yield what nobody has written to for a day, or for the time the settings say."""
    hours = _UNUSED_HOURS
    if isinstance(case.settings, Settings):
        hours = case.settings.housekeeping.temporary_hours
    before = case.clock.now().timestamp() - timedelta(hours=hours).total_seconds()
    found = [path for pattern in _IN_DATA for path in case.data.glob(pattern)]
    found += backups_folder(case).glob("*.part")
    found += installed_models().glob(".fetch-*")
    for path in dict.fromkeys(found):
        if path.exists() and path.stat().st_mtime < before:
            yield path


def _listed(paths: list[Path], most: int = 3) -> str:
    names = [f"{path.parent.name}/{path.name}" for path in paths[:most]]
    return ", ".join(names) + (" …" if len(paths) > most else "")


CHECKS = (
    Check(
        name="leftovers",
        area="data",
        examine=_leftovers,
        repair=_remove_leftovers,
        needs_settings=False,
    ),
)
