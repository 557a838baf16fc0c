"""Let the model read characters' prompts beforehand, so that first answers come fast."""

from __future__ import annotations

import argparse
import sys

from frontends.console.invocation import Invocation


def configure(parser: argparse.ArgumentParser) -> None:
    """Add which characters are warmed."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="character; else the default one")
    parser.add_argument("--all", action="store_true", help="every character there is")


async def execute(call: Invocation) -> int:
    """Warm one character after the other, with a line for each."""
    from services.factory import opened_services

    async with opened_services(call.settings) as services:
        conversations = services.conversations()
        library = services.library()
        if call.arguments.all:
            personas = list(library.all())
        else:
            personas = [library.find(name) for name in call.arguments.names]
        for persona in personas or [library.default()]:
            ready = await conversations.warm(persona)
            sys.stdout.write(f"{persona.slug}: {'ready' if ready else 'not prepared'}\n")
            sys.stdout.flush()
    return 0
