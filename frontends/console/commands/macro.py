"""Fill in the macros of a text and print the result."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from frontends.console.card_files import read_object, read_text
from frontends.console.card_text import write_text
from frontends.console.invocation import Invocation
from frontends.console.wording import clean


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the text and what its macros know."""
    parser.add_argument("text", metavar="TEXT", help="text with macros; - reads standard input")
    parser.add_argument(
        "--env", type=Path, metavar="FILE", help="JSON file with user, char, now, variables …"
    )
    parser.add_argument("--seed", help="makes chance repeatable")
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print the variables afterwards as well"
    )


async def execute(call: Invocation) -> int:
    """Expand the text with the environment of the file."""
    from services.domain.clock import SystemClock
    from services.persona.macros.engine import expand
    from services.persona.macros.reading import read_environment

    arguments = call.arguments
    given = read_object(arguments.env)
    if arguments.seed is not None:
        given["seed"] = arguments.seed
    environment = read_environment(given, now=SystemClock().now().astimezone())
    text = read_text() if arguments.text == "-" else clean(arguments.text)
    expanded = expand(text, environment)
    if arguments.as_json:
        shown = {
            "text": expanded,
            "variables": dict(environment.local),
            "globals": dict(environment.shared),
        }
        expanded = json.dumps(shown, ensure_ascii=False)
    write_text(f"{expanded}\n")
    return 0
