"""The names of models that can be chosen, without making anybody wait for a server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from services.domain.clock import Clock
from services.domain.errors import AcoreError
from services.lifecycle import Supervisor

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot
    from services.llm.model import ModelListing

logger = logging.getLogger(__name__)

_FRESH_SECONDS = 30.0
_PATIENCE_SECONDS = 2.0


class Listing(Protocol):
    """Where the list of models comes from."""

    async def available(self) -> Sequence[ModelListing]:
        """Return what is there. Raises ``AcoreError`` when nobody answers."""
        ...


class ModelNames:
    """Asks for the list every 30 s at most; while it is asked, what was known before is offered.

    The name of a model at another endpoint than the first carries that endpoint.
    """

    def __init__(self, models: Listing, *, clock: Clock, supervisor: Supervisor) -> None:
        self._models = models
        self._clock = clock
        self._supervisor = supervisor
        self._names: Sequence[str] = ()
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def offered(self) -> Sequence[str]:
        """Return the names after 2 s at most; never raises for a server that does not answer."""
        now = self._clock.monotonic()
        fresh = self._asked_at is not None and now - self._asked_at < _FRESH_SECONDS
        if not fresh and (self._asking is None or self._asking.done()):
            self._asking = self._supervisor.start("model names", self._ask)
        if self._asking is not None and not self._asking.done():
            await asyncio.wait({self._asking}, timeout=_PATIENCE_SECONDS)
        return self._names

    async def _ask(self) -> None:
        try:
            self._names = names_of(await self._models.available())
        except AcoreError as error:
            logger.info("models could not be listed", extra={"code": error.code})
        self._asked_at = self._clock.monotonic()


def names_of(listings: Sequence[ModelListing]) -> list[str]:
    """Return what models are chosen by."""
    first = listings[0].endpoint if listings else ""
    names = [
        one.name if one.endpoint == first else f"{one.name}@{one.endpoint}" for one in listings
    ]
    return list(dict.fromkeys(names))


def model_names(bot: AcoreBot) -> ModelNames:
    """Return the names of the models of a bot's services."""
    services = bot.services
    return ModelNames(services.models(), clock=services.clock(), supervisor=bot.supervisor)
