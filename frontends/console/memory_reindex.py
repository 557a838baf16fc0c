"""Build the index of memory anew, documents included."""

from __future__ import annotations

import argparse
import json

from frontends.console.card_text import write_text
from frontends.console.invocation import Invocation
from services.domain.errors import InvalidRequest


def configure(parser: argparse.ArgumentParser) -> None:
    """Add how it is told."""
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")


async def execute(call: Invocation) -> int:
    """Read every document again, embed everything again, and wait for the end."""
    from services.factory import opened_services  # noqa: PLC0415

    if not call.settings.memory.enabled:
        raise InvalidRequest("memory_off", "Memory is switched off; set memory.enabled to true.")
    async with opened_services(call.settings) as services:
        documents = await services.documents().sync(afresh=True)
        await services.indexer().reindex()
        progress = await services.indexer().caught_up()
    if call.arguments.as_json:
        told = {
            "indexed": progress.total,
            "pending": progress.pending,
            "failing": progress.failing,
            "documents": {
                "read": documents.read,
                "removed": documents.removed,
                "refused": documents.refused,
            },
        }
        write_text(json.dumps(told) + "\n")
    else:
        write_text(f"{progress.total} things can be recalled; {documents.read} documents read.\n")
        if progress.failing:
            write_text(f"{progress.pending} of them by their words alone: {progress.failing}\n")
    return 0
