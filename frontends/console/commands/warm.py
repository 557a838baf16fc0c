"""Let the model read every character's prompt beforehand, so that first answers come fast."""

from __future__ import annotations

import argparse
import sys

from frontends.console.invocation import Invocation


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing: every character is warmed."""


async def execute(call: Invocation) -> int:
    """Warm one character after the other, with a line for each."""
    from services.factory import opened_services

    async with opened_services(call.settings) as services:
        conversations = services.conversations()
        for persona in services.library().all():
            ready = await conversations.warm(persona)
            sys.stdout.write(f"{persona.slug}: {'ready' if ready else 'not prepared'}\n")
            sys.stdout.flush()
    return 0
