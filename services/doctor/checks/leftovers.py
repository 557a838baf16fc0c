"""Temporary files, broken-off downloads and an unfinished restore that nobody came back for."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from services.doctor.check import Case, Check, Finding, fine, warning
from services.doctor.places import backups_folder, in_use, readable_size, weight
from services.domain.errors import Busy
from services.housekeeping.chore import ChoreReport, Round
from services.housekeeping.temporary import TemporaryFiles
from services.net.wheels import installed_models
from services.settings import HousekeepingSettings, Settings
from services.storage.replacement import WAITING


async def _leftovers(case: Case) -> Finding:
    found = await _tidied(case, rehearsal=True)
    if not found.removed:
        return fine("No temporary files or broken-off downloads lie around.")
    return warning(
        f"{found.removed} temporary files or broken-off downloads lie around and take "
        f"{readable_size(found.bytes)}.",
        fix="Run `main.py doctor --fix`, which removes them.",
        cause="data",
    )


async def _remove(case: Case) -> None:
    if await asyncio.to_thread(in_use, case):
        raise Busy("database_in_use", "acore is running and may need them; stop it first.")
    await _tidied(case, rehearsal=False)


async def _tidied(case: Case, *, rehearsal: bool) -> ChoreReport:
    hours = _housekeeping(case).temporary_hours
    circumstances = Round(as_of=case.clock.now(), rehearsal=rehearsal)
    report = await TemporaryFiles(case.data, hours=hours).run(circumstances)
    return report + await asyncio.to_thread(_elsewhere, case, circumstances)


def _elsewhere(case: Case, circumstances: Round) -> ChoreReport:
    """Do the same beside the data folder and in the environment's own model folder."""
    age = timedelta(hours=_housekeeping(case).temporary_hours)
    before = (circumstances.as_of - age).timestamp()
    report = ChoreReport()
    for path in _candidates(case):
        if path.stat().st_mtime >= before:
            continue
        report += ChoreReport(removed=1, bytes=weight(path))
        if circumstances.rehearsal:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return report


def _candidates(case: Case) -> Iterator[Path]:
    yield from list(backups_folder(case).glob("acore-*.part"))
    for folder in (installed_models(), installed_models() / "voice"):
        yield from list(folder.glob(".fetch-*"))


def _housekeeping(case: Case) -> HousekeepingSettings:
    if isinstance(case.settings, Settings):
        return case.settings.housekeeping
    return HousekeepingSettings()


async def _restore(case: Case) -> Finding:
    if await asyncio.to_thread((case.data / WAITING).is_dir):
        return warning(
            "A restore was cut off before its end.",
            fix="Start acore once, which finishes it.",
            cause="data",
        )
    return fine("No restore is unfinished.")


CHECKS = (
    Check(
        name="leftovers",
        area="data",
        examine=_leftovers,
        repair=_remove,
        needs_settings=False,
    ),
    Check(name="restore", area="data", examine=_restore, needs_settings=False),
)
