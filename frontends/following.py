"""Following the settings while the program runs: on SIGHUP, and when their files change."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from frontends.console.invocation import SettingsSource
from frontends.stopping import Stopping
from services.lifecycle import Supervisor
from services.observability.logging import hide_secrets, reconfigure_logging, secret_values
from services.reloading import Apply, ConfigWatch, Reloading

if TYPE_CHECKING:
    from services.factory import ServiceFactory
    from services.settings import Settings


class Hangup:
    """What SIGHUP means: read the settings again, or end because the terminal is gone."""

    def __init__(self, stopping: Stopping) -> None:
        self.reload_asked = asyncio.Event()
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()
        self._had_terminal = _at_terminal()

    def heed(self) -> None:
        """React to the signal. A closed terminal often sends two, so a second one changes nothing.

        Without a terminal at the start, as under a service manager, the settings are read again,
        and so they are when a terminal is still there and somebody sent the signal.
        """
        if self._had_terminal and not _at_terminal():
            self._stopping.ask(signal.SIGHUP)
        else:
            self._loop.call_soon_threadsafe(self.reload_asked.set)


@asynccontextmanager
async def followed_settings(
    settings: Settings, services: ServiceFactory, source: SettingsSource, hangup: Hangup
) -> AsyncIterator[Reloading]:
    """Reload the settings inside the block whenever there is reason to."""

    def load() -> Settings:
        loaded = source.load()
        hide_secrets(source.secrets(loaded))
        return loaded

    reloading = Reloading(
        settings,
        load=load,
        checks=[lambda loaded: check_default(loaded, services), check_rules],
        appliers=appliers(services),
        announce=services.announce(),
    )
    watch = ConfigWatch(source.files(), source.seen, reloading.reload)

    async def answer_hangups() -> None:
        while True:
            await hangup.reload_asked.wait()
            hangup.reload_asked.clear()
            await reloading.reload()

    async with Supervisor() as supervisor:
        supervisor.start("settings watch", watch.run, restart=True)
        supervisor.start("settings reload", answer_hangups, restart=True)
        yield reloading


def check_default(loaded: Settings, services: ServiceFactory) -> None:
    """Refuse settings whose default character is not there."""
    services.library().check_default(loaded.persona.default)


def check_rules(loaded: Settings) -> None:
    """Refuse settings that forbid by patterns which cannot be used."""
    from services.conversation.moderation.policy import installation_rules  # noqa: PLC0415

    installation_rules(loaded.moderation)


def appliers(services: ServiceFactory) -> Sequence[Apply]:
    """Return who takes over which settings when they are reloaded."""

    def persona(settings: Settings) -> None:
        services.library().reconfigure(default=settings.persona.default)

    def conversation(settings: Settings) -> None:
        default_user = settings.persona.user_name
        services.assembler().reconfigure(settings.conversation, default_user=default_user)
        services.generation().reconfigure(settings.conversation)

    def llm(settings: Settings) -> None:
        services.models().reconfigure(settings.llm)
        services.thinking().apply(settings.llm)
        services.answers().reconfigure(settings.llm)

    def gate(settings: Settings) -> None:
        services.gate().reconfigure(settings.gate)
        services.choices().reconfigure(settings.gate)

    def lore(settings: Settings) -> None:
        services.painter().reconfigure(settings.lore)

    def memory(settings: Settings) -> None:
        services.viewers().apply(settings.memory)
        services.summaries().apply(settings.memory)
        services.learner().apply(settings.memory)
        services.thinking_over().apply(settings.memory, settings.llm)

    def moderation(settings: Settings) -> None:
        secrets = secret_values(settings)
        services.content_policy().reconfigure(settings.moderation, secrets=secrets)
        services.moderation().reconfigure(settings.moderation)

    def log(settings: Settings) -> None:
        reconfigure_logging(settings.logging)

    return persona, conversation, llm, gate, lore, memory, moderation, log


def _at_terminal() -> bool:
    try:
        return sys.stdin is not None and os.isatty(sys.stdin.fileno())
    except (OSError, ValueError):
        return False
