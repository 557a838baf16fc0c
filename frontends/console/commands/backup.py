"""Write everything that cannot be rebuilt into one archive; works while acore runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from frontends.console.invocation import Invocation
from services.domain.clock import SystemClock


def configure(parser: argparse.ArgumentParser) -> None:
    """Add where the archive goes."""
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder for the archive; by default that of the nightly backups",
    )


async def execute(call: Invocation) -> int:
    """Back the data up and say where the archive lies."""
    from services.storage.backup import backup, backup_folder, outside

    storage, chosen = call.settings.storage, call.arguments.to
    target = (
        outside(storage.data, chosen)
        if chosen is not None
        else backup_folder(storage, call.settings.housekeeping)
    )
    written = await backup(storage, target, clock=SystemClock())
    sys.stdout.write(f"{written}\n")
    return 0
