"""Services opened for one command, perhaps with a stub in place of the model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from frontends.console.talking.stub_model import Pace, StubModels
from services.factory import ServiceFactory
from services.injection import providers
from services.lifecycle import prompt_loop
from services.settings import Settings


@asynccontextmanager
async def opened_stage(settings: Settings, *, stub: Pace | None) -> AsyncIterator[ServiceFactory]:
    """Open every service of ``settings``; with ``stub``, no model but that answers."""
    factory = ServiceFactory(settings=settings)
    if stub is not None:
        factory.models.override(providers.Object(StubModels(stub)))
    async with factory.lifespan():
        with prompt_loop():
            yield factory
