"""Evaluated prompts of models and characters that are gone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from services.housekeeping.chore import ChoreReport, Round
from services.housekeeping.files import below, remove_older

# Reading a snapshot touches it, so one untouched for a season belongs to a prompt that is gone.
_UNUSED = timedelta(days=90)
_WITHOUT_MODEL = timedelta(days=1)
_OWN_NAME = re.compile(r"[0-9a-f]{64}-(?:[0-9a-f]{16}\.bin|\d+\.tmp)")


class PromptSnapshots:
    """Snapshots in ``folders`` not used for 90 days, or a day after the last model beside is gone.

    ``folders`` lie beside the models they belong to.
    """

    name = "snapshots"

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(dict.fromkeys(folders))

    async def run(self, circumstances: Round, /) -> ChoreReport:
        """Remove them; they are evaluated again when they are needed."""
        return await asyncio.to_thread(self._run, circumstances)

    def _run(self, circumstances: Round) -> ChoreReport:
        report = ChoreReport()
        for folder in self._folders:
            if not folder.is_dir():
                continue
            has_model = any(folder.parent.glob("*.gguf"))
            age = _UNUSED if has_model else _WITHOUT_MODEL
            report += remove_older(_snapshots(folder), circumstances, age=age)
        return report


def _snapshots(folder: Path) -> Iterator[Path]:
    return (path for path in below(folder) if _OWN_NAME.fullmatch(path.name))
