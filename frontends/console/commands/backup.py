"""Write a copy of all data that can be restored."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from frontends.console.invocation import Invocation
from services.domain.clock import SystemClock
from services.domain.errors import InvalidRequest


def configure(parser: argparse.ArgumentParser) -> None:
    """Add where the copy goes."""
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder for the copy; by default `backups` beside the data folder",
    )


async def execute(call: Invocation) -> int:
    """Back the data up and say where the copy lies."""
    from services.storage.backup import backup

    storage = call.settings.storage
    data = storage.data.resolve()
    target = (call.arguments.to or data.parent / "backups").resolve()
    if target.is_relative_to(data):
        raise InvalidRequest(
            "backup_target",
            "A backup inside the data folder would be lost with it; choose another with --to.",
        )
    written = await backup(storage, target, clock=SystemClock())
    sys.stdout.write(f"{written}\n")
    return 0
