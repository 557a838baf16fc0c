"""Choose a model and a character, step by step, and write the settings."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from frontends.console.invocation import Invocation
from services.domain.clock import SystemClock

if TYPE_CHECKING:
    from services.doctor.check import Models
    from services.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing: everything is asked."""


async def execute(call: Invocation) -> int:
    """Ask, try, write."""
    from frontends.console.asking import LineAsking
    from frontends.console.wizard import Wizard

    wizard = Wizard(call.source, LineAsking(), models=_models, clock=SystemClock())
    try:
        return await wizard.run(call.settings)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stdout.write("\nNothing was written.\n")
        raise


@asynccontextmanager
async def _models(settings: Settings) -> AsyncIterator[Models]:
    from services.factory import ServiceFactory

    async with ServiceFactory(settings=settings).models() as models:
        yield models
