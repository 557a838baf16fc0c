"""Measure recall on conversations with questions in the layout of LoCoMo."""

from __future__ import annotations

import argparse
from pathlib import Path

from frontends.console.invocation import Invocation


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the file and what is measured."""
    parser.add_argument("file", type=Path, metavar="FILE", help="conversations with questions")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    parser.add_argument("--k", default="5,10,20,50", metavar="K,K", help="how many are recalled")


async def execute(call: Invocation) -> int:
    """Fill a database that is thrown away, ask the questions, print the figures."""
    raise NotImplementedError
