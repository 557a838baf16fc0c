"""List the language models, those that run, fetch one, or show which one is used."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from frontends.console.invocation import Invocation
from frontends.console.pulling import megabytes, show_pull
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from services.llm.catalog import ModelCatalog
    from services.llm.model import ModelListing


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action and the model's name."""
    parser.add_argument("action", choices=["list", "ps", "pull", "show"], help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="model to pull or to show")


async def execute(call: Invocation) -> int:
    """Do what is asked with the configured server."""
    from services.factory import opened_services

    name = call.arguments.name
    if call.arguments.action == "pull" and name is None:
        raise InvalidRequest("model_name", "Say which model to fetch: main.py model pull NAME.")
    async with opened_services(call.settings) as services:
        models = services.models()
        if call.arguments.action == "list":
            await _list(models)
        elif call.arguments.action == "ps":
            await _running(models)
        elif call.arguments.action == "pull":
            await show_pull(models, name, out=sys.stdout)
        else:
            await _show(models, name)
    return 0


async def _list(models: ModelCatalog) -> None:
    listings = await models.available()
    names = [_reference(listing, models) for listing in listings]
    width = max(map(len, names), default=0)
    for name, listing in zip(names, listings, strict=True):
        size = megabytes(listing.size_bytes) if listing.size_bytes else ""
        state = "  running" if listing.running else ""
        sys.stdout.write(f"{name:<{width}}  {size:>9}{state}".rstrip() + "\n")
    if not listings:
        sys.stdout.write("The server has no models; fetch one with: main.py model pull NAME\n")


async def _running(models: ModelCatalog) -> None:
    listings = [listing for listing in await models.available() if listing.running]
    for listing in listings:
        held = megabytes(listing.memory_bytes) if listing.memory_bytes else "unknown size"
        share = ""
        if listing.memory_bytes and listing.on_gpu_bytes is not None:
            share = f", {listing.on_gpu_bytes / listing.memory_bytes:.0%} on the GPU"
        until = f", until {listing.until}" if listing.until else ""
        sys.stdout.write(f"{_reference(listing, models)}  {held}{share}{until}\n")
    if not listings:
        sys.stdout.write("No model is loaded now.\n")


def _reference(listing: ModelListing, models: ModelCatalog) -> str:
    """Return the name to call the model by; only those elsewhere need their endpoint."""
    if listing.endpoint == models.endpoints()[0]:
        return listing.name
    return f"{listing.name}@{listing.endpoint}"


async def _show(models: ModelCatalog, name: str | None) -> None:
    model = await models.get(name)
    info = model.info
    can = [
        ability
        for ability, there in (
            ("tools", info.tools),
            ("pictures", info.vision),
            ("reasoning", info.thinking),
        )
        if there
    ]
    lines = [
        models.describe(),
        f"name      {info.name}",
        f"provider  {info.provider}",
        f"context   {info.context_tokens} tokens",
        f"size      {megabytes(info.size_bytes)}" if info.size_bytes else "",
        f"weights   {info.parameters}" if info.parameters else "",
        f"can       {', '.join(can)}" if can else "",
    ]
    sys.stdout.write("".join(f"{line}\n" for line in lines if line))
