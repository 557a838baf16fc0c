"""Talk to a character in the terminal, over standard input, or with a single message."""

from __future__ import annotations

import argparse

from frontends.console.invocation import ChatOptions, Invocation


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what is said, to whom and where."""
    parser.add_argument("--persona", metavar="NAME", help="character to talk to")
    parser.add_argument(
        "--message", metavar="TEXT", help="say this, print the answer and leave; /commands work too"
    )
    parser.add_argument(
        "--conversation", metavar="ID", help="conversation to use, as platform:scope:channel"
    )
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print one JSON object per event"
    )


async def execute(call: Invocation) -> int:
    """Chat until the input ends."""
    arguments = call.arguments
    options = ChatOptions(
        persona=arguments.persona,
        message=arguments.message,
        conversation=arguments.conversation,
        as_json=arguments.as_json,
    )
    return await call.launch(call.settings, source=call.source, chat=options, only="console")
