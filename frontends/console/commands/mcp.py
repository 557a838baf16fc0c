"""Offer characters and memory to another program over standard input and output."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from frontends.console.failures import DONE

if TYPE_CHECKING:
    from frontends.console.invocation import Invocation


def configure(parser: argparse.ArgumentParser) -> None:
    """Take no arguments: whoever starts this program may use it."""


async def execute(call: Invocation) -> int:
    """Serve until the other program closes its end."""
    from mcp.server.stdio import stdio_server

    from frontends.mcp.offer import Offer, account_of
    from frontends.mcp.protocol import make_server
    from services.factory import opened_services

    async with opened_services(call.settings) as services:
        server = make_server(Offer(services, person=account_of(call.settings)))
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
    return DONE
