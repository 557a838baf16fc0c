"""Put a backup in place of the data, after checking all of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from frontends.console.invocation import Invocation
from services.domain.clock import SystemClock
from services.domain.errors import InvalidRequest


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the backup, the folder it goes to, and whether data there may be moved aside."""
    parser.add_argument("file", type=Path, metavar="FILE", help="backup to restore")
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="data folder to restore to; by default the own one"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="move data that is there into a folder `replaced-...` beside the new",
    )


async def execute(call: Invocation) -> int:
    """Restore and say what lies where now."""
    from services.storage.archive import DATABASE
    from services.storage.location import database_path
    from services.storage.restore import restore

    storage, arguments = call.settings.storage, call.arguments
    data = arguments.to or storage.data
    if arguments.to is None and database_path(storage).absolute() != (data / DATABASE).absolute():
        raise InvalidRequest(
            "restore_target",
            "storage.url puts the database elsewhere; restore into an empty folder with --to and "
            "move its acore.db there yourself.",
        )
    restored = await restore(arguments.file, data, replace=arguments.replace, clock=SystemClock())
    lines = [f"Restored {arguments.file} to {restored.data}."]
    if restored.made_at is not None:
        held = ", ".join(f"{count} {name}" for name, count in restored.counts.items())
        lines.append(f"It was made at {restored.made_at:%Y-%m-%d %H:%M} UTC and holds {held}.")
    if restored.replaced is not None:
        lines.append(f"What was there before lies in {restored.replaced}; delete it when you like.")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0
