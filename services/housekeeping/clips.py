"""Voice clips nobody plays any more."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from services.housekeeping.chore import ChoreReport, Round
from services.housekeeping.files import below, last_used, remove_empty_folders, remove_older


class Clips:
    """Files in ``clips`` of the data folder that were neither read nor written for ``days``."""

    name = "clips"

    def __init__(self, data: Path, *, days: float) -> None:
        self._folder = data / "clips"
        self._age = timedelta(days=days)

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Remove them; they are made again when they are needed."""
        return await asyncio.to_thread(self._run, circumstances)

    def _run(self, circumstances: Round) -> ChoreReport:
        report = remove_older(below(self._folder), circumstances, age=self._age, moment=last_used)
        if not circumstances.rehearsal:
            remove_empty_folders(self._folder, written_before=circumstances.as_of - self._age)
        return report
