"""How models are shown, without telling where servers are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord

from frontends.discord.model_names import names_of
from services.domain.errors import AcoreError

if TYPE_CHECKING:
    from services.llm.catalog import ModelCatalog
    from services.llm.model import ModelInfo, ModelListing

_PATIENCE_SECONDS = 10.0
_GIGABYTE = 1_000_000_000


class ModelViews:
    """Describes the models of the catalog."""

    def __init__(self, models: ModelCatalog) -> None:
        self._models = models

    async def ready(self, name: str | None) -> str:
        """Return the name of a model that can answer. Raises ``ProviderError``."""
        model = await self._models.get(name)
        return _bold(model.info.name)

    async def shown(self, chosen: str | None) -> str:
        """Return which model answers and what it can; never raises for one that does not.

        After 10 s it counts as not answering.
        """
        source = "chosen here" if chosen else "the configured one"
        called = f"{_bold(chosen or 'The model')} ({source})"
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                model = await self._models.get(chosen)
        except AcoreError as error:
            return f"{called} does not answer: {error.user_message}"
        except TimeoutError:
            return f"{called} does not answer yet."
        return f"{_bold(model.info.name)} answers ({source}): {_abilities(model.info)}."

    async def listed(self) -> Sequence[str]:
        """Return a line per model that is there. Raises ``ProviderError``."""
        listings = await self._models.available()
        lines = [_line(one, name) for one, name in zip(listings, _names(listings), strict=True)]
        return lines or ["No models are there; /model pull fetches one."]


def _names(listings: Sequence[ModelListing]) -> Sequence[str]:
    return [names_of([listings[0], one])[-1] for one in listings]


def _line(listing: ModelListing, name: str) -> str:
    notes = []
    if listing.size_bytes:
        notes.append(f"{listing.size_bytes / _GIGABYTE:.1f} GB")
    if listing.context_tokens:
        notes.append(f"{listing.context_tokens:,} tokens")
    if listing.running:
        notes.append("loaded")
    return f"{_bold(name)}{' · ' if notes else ''}{' · '.join(notes)}"


def _abilities(info: ModelInfo) -> str:
    known = [f"{info.context_tokens:,} tokens of context"]
    abilities = {"tools": info.tools, "pictures": info.vision, "thinking": info.thinking}
    known += [name for name, can in abilities.items() if can]
    return ", ".join(known)


def _bold(name: str) -> str:
    return f"**{discord.utils.escape_markdown(name)}**"
