"""Start everything that is switched on; with nothing configured, the chat in this terminal."""

from __future__ import annotations

import argparse

from frontends.console.invocation import ChatOptions, Invocation


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing: everything comes from the settings."""


async def execute(call: Invocation) -> int:
    """Run the enabled frontends."""
    return await call.launch(call.settings, source=call.source, chat=ChatOptions())
