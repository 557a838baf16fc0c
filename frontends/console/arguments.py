"""What commands with several actions tell the parser alike."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    """Return the parser of an action, where folder and settings may be named once more."""
    parser = actions.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    for option, metavar in (("--data", "DIR"), ("--config", "FILE")):
        parser.add_argument(option, type=Path, metavar=metavar, default=argparse.SUPPRESS)
    return parser
