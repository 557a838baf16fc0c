"""Rotated logs that are too old to help."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from services.housekeeping.chore import ChoreReport, Round
from services.housekeeping.files import remove_older


class RotatedLogs:
    """``acore.log.1`` and on, beside the log ``file``, after ``days``; never the log itself."""

    name = "logs"

    def __init__(self, file: Path, *, days: float) -> None:
        self._file = file
        self._age = timedelta(days=days)

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Remove them."""
        return await asyncio.to_thread(
            lambda: remove_older(self._rotated(), circumstances, age=self._age)
        )

    def _rotated(self) -> Iterator[Path]:
        own = re.compile(rf"{re.escape(self._file.name)}\.\d+")
        if not self._file.parent.is_dir():
            return
        for path in self._file.parent.iterdir():
            if own.fullmatch(path.name):
                yield path
