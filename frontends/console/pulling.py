"""Fetching a model while a person watches."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, TextIO

from frontends.console.wording import printable

if TYPE_CHECKING:
    from services.llm.catalog import ModelCatalog, PullProgress

_MEGABYTE = 1_000_000


def megabytes(size: int) -> str:
    """Return ``size`` bytes as people read it."""
    return f"{size / _MEGABYTE:.0f} MB"


async def show_pull(models: ModelCatalog, name: str, *, out: TextIO) -> None:
    """Fetch ``name``; a terminal gets one line that moves, anything else a line per stage.

    Raises ``ProviderError`` when the server cannot fetch it.
    """
    moving = out.isatty()
    last = ""
    try:
        async with aclosing(models.pull(name)) as progress:
            async for step in progress:
                line = _line(name, step, with_share=moving)
                if line != last:
                    out.write(f"\r{line}\x1b[K" if moving else f"{line}\n")
                    out.flush()
                    last = line
    finally:
        if moving and last:
            out.write("\n")
            out.flush()


def _line(name: str, step: PullProgress, *, with_share: bool) -> str:
    line = f"{printable(name)}: {printable(step.status)}"
    if with_share and step.total:
        completed = step.completed or 0
        share = 100 * completed // step.total
        line += f" {share} % ({megabytes(completed)} of {megabytes(step.total)})"
    return line
