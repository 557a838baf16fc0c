"""Measure how well memory recalls, on conversations with questions about them."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from frontends.console.card_text import write_text
from frontends.console.failures import DONE, UNREACHABLE
from frontends.console.invocation import Invocation
from frontends.console.wording import printable
from services.domain.errors import InvalidRequest

_DEEPEST = 200
_BAD_K = f"give numbers from 1 to {_DEEPEST}, such as 5,10"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the file and what is measured."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="conversations with questions, as in locomo10.json"
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
    parser.add_argument(
        "--k",
        type=_ks,
        default=(5, 10, 20, 50),
        metavar="K,K",
        help=f"how many turns are recalled, up to {_DEEPEST}; default 5,10,20,50",
    )
    parser.add_argument(
        "--ablation",
        action="store_true",
        help="measure again with parts of the evidence taken away",
    )


async def execute(call: Invocation) -> int:
    """Store the conversations where nothing is kept, ask the questions, print the figures."""
    from services.domain.clock import SystemClock  # noqa: PLC0415
    from services.memory.engines import build_embedder  # noqa: PLC0415
    from services.memory.recall.evaluation import evaluate  # noqa: PLC0415
    from services.memory.recall.locomo import read_samples  # noqa: PLC0415

    asked, settings = call.arguments, call.settings
    try:
        samples = await asyncio.to_thread(read_samples, asked.file)
    except InvalidRequest as error:
        sys.stderr.write(f"{printable(error.user_message)}\n")
        return UNREACHABLE
    embedder = build_embedder(settings.memory, llm=settings.llm, openai=settings.openai)
    try:
        figures = await evaluate(
            samples,
            ks=asked.k,
            embedder=embedder,
            clock=SystemClock(),
            ablation=asked.ablation,
            progress=_show,
        )
    finally:
        await embedder.close()
    write_text(json.dumps(figures) + "\n" if asked.as_json else printable(_as_text(figures)))
    return DONE


def _ks(given: str) -> tuple[int, ...]:
    try:
        ks = sorted({int(each) for each in given.split(",")})
    except ValueError:
        ks = []
    if not ks or ks[0] < 1 or ks[-1] > _DEEPEST:
        raise argparse.ArgumentTypeError(_BAD_K)
    return tuple(ks)


def _show(doing: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(printable(f"{doing}\n"))


def _as_text(figures: Mapping[str, object]) -> str:
    lines = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            lines.append(f"{name}:\n")
            lines += [f"  {_line(each)}\n" for each in value.items()]
        else:
            lines.append(f"{name}  {value}\n")
    return "".join(lines)


def _line(pair: tuple[object, object]) -> str:
    name, value = pair
    if isinstance(value, Mapping):
        value = "  ".join(f"{key}: {each}" for key, each in value.items())
    return f"{name!s:<20} {value}"
