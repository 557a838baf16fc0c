"""Show what the nightly tidying would do, or do it now."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from frontends.console.invocation import Invocation
from frontends.console.pulling import megabytes
from services.domain.clock import SystemClock

if TYPE_CHECKING:
    from services.housekeeping.service import Done


def configure(parser: argparse.ArgumentParser) -> None:
    """Add whether it is done, and the format."""
    parser.add_argument(
        "--now", action="store_true", help="do it; without this, only say what would be done"
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON array")


async def execute(call: Invocation) -> int:
    """Tidy up, or rehearse it beside a running acore; 1 when a chore failed."""
    from services.housekeeping.chores import every_chore
    from services.housekeeping.service import Housekeeping
    from services.observability.metrics import Metrics
    from services.storage.blobs import BlobStore
    from services.storage.database import Database

    settings, now, clock = call.settings, call.arguments.now, SystemClock()
    async with Database(settings.storage, clock=clock, read_only=not now) as database:
        blobs = BlobStore(settings.storage, database=database, clock=clock)
        housekeeping = Housekeeping(
            settings.housekeeping,
            data=settings.storage.data,
            database=database,
            clock=clock,
            chores=every_chore(settings, database=database, blobs=blobs, clock=clock),
            metrics=Metrics(),
            patience_seconds=0.0,
        )
        done = await (housekeeping.tidy() if now else housekeeping.rehearse())
    sys.stdout.write(_as_json(done) if call.arguments.as_json else _as_text(done, now=now))
    return 1 if any(each.problem for each in done) else 0


def _as_json(done: Sequence[Done]) -> str:
    listed = [
        {
            "chore": each.chore,
            "removed": each.report.removed,
            "bytes": each.report.bytes,
            "note": each.report.note,
            "problem": each.problem,
        }
        for each in done
    ]
    return json.dumps(listed, ensure_ascii=False) + "\n"


def _as_text(done: Sequence[Done], *, now: bool) -> str:
    width = max(len(each.chore) for each in done)
    lines = [f"{each.chore:<{width}}  {_outcome(each, now=now)}\n" for each in done]
    if not now:
        lines.append("Nothing was changed; main.py housekeeping --now does it.\n")
    return "".join(lines)


def _outcome(done: Done, *, now: bool) -> str:
    if done.problem is not None:
        return done.problem
    report = done.report
    parts = [report.note] if report.note else []
    if report.removed or report.bytes:
        verb = "removed" if now else "would remove"
        size = f", {megabytes(report.bytes)}" if report.bytes else ""
        parts.append(f"{verb} {report.removed}{size}")
    return "; ".join(parts) or "nothing to do"
