"""Create the database or bring an older one up to date."""

from __future__ import annotations

import argparse
import sys

from frontends.console.invocation import Invocation
from services.domain.clock import SystemClock


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the data folder says which database is meant."""


async def execute(call: Invocation) -> int:
    """Open the database for writing, which brings it up to date, and close it."""
    from services.storage.database import Database
    from services.storage.schema import HEAD

    async with Database(call.settings.storage, clock=SystemClock()) as database:
        sys.stdout.write(f"{database.path} is at revision {HEAD}.\n")
    return 0
