"""Runs the enabled frontends side by side until they are done or told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.failures import DONE, reader_gone
from frontends.console.invocation import ChatOptions, SettingsSource
from frontends.following import Hangup, followed_settings
from frontends.signals import signals_heeded
from frontends.stopping import Stopping
from services.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from services.factory import ServiceFactory
    from services.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend:
    """One way in; ``run`` returns its exit code when it has nothing more to do."""

    name: str
    enabled: bool
    run: Callable[[ServiceFactory], Awaitable[int]]


def frontends(
    settings: Settings, *, chat: ChatOptions, leave: Callable[[], None]
) -> Sequence[Frontend]:
    """Return every frontend there is; ``leave`` is called when a person ends the program."""
    from frontends.console.app import run_console  # noqa: PLC0415

    return (
        Frontend(
            name="console",
            enabled=settings.console.enabled,
            run=partial(run_console, settings=settings, options=chat, leave=leave),
        ),
        Frontend(
            name="web", enabled=settings.web.enabled, run=partial(_run_web, settings=settings)
        ),
        Frontend(
            name="discord",
            enabled=settings.discord.enabled and settings.discord.token is not None,
            run=partial(_run_discord, settings=settings),
        ),
    )


async def _run_web(services: ServiceFactory, *, settings: Settings) -> int:
    from frontends.web.server import run_web  # noqa: PLC0415

    return await run_web(services, settings=settings)


async def _run_discord(services: ServiceFactory, *, settings: Settings) -> int:
    from frontends.discord.running import run_discord  # noqa: PLC0415

    return await run_discord(services, settings=settings)


async def launch(
    settings: Settings, *, source: SettingsSource, chat: ChatOptions, only: str | None = None
) -> int:
    """Open the services, run the frontends, close in reverse; return the highest exit code.

    With ``only``, that frontend runs whether it is enabled or not, and the program ends with it:
    SIGTERM or SIGHUP cut a running answer off, keeping what was shown. Without, every enabled one
    runs; SIGTERM and SIGINT let running answers end for ``conversation.shutdown_seconds`` before,
    SIGHUP and changed files reload the settings. Ended by a signal, the program gives 0. One
    frontend's failure ends the program, after its answers, and is raised.
    """
    stopping = Stopping()
    hangup = Hangup(stopping)
    wanted = [
        frontend
        for frontend in frontends(settings, chat=chat, leave=stopping.ask)
        if (frontend.enabled if only is None else frontend.name == only)
    ]
    if not wanted:
        raise ConfigurationError(
            "nothing_enabled",
            "Nothing is switched on: set console.enabled, web.enabled or DISCORD_TOKEN.",
        )
    if only is None:
        _prepare(settings)
    with signals_heeded(_reactions(stopping, hangup if only is None else None)):
        try:
            async with AsyncExitStack() as stack:
                with stopping.interrupting():
                    services = await stack.enter_async_context(_opened(settings))
                    services.library().default()
                if only is None:
                    if settings.housekeeping.enabled:
                        await stack.enter_async_context(services.housekeeping())
                    follow = followed_settings(settings, services, source, hangup)
                    await stack.enter_async_context(follow)
                patience = settings.conversation.shutdown_seconds if only is None else 0.0
                return await supervise(wanted, services, stopping=stopping, patience=patience)
        except asyncio.CancelledError:
            if not stopping.asked:
                raise
            return DONE


def _prepare(settings: Settings) -> None:
    """Refuse what must not be opened, and tell a newcomer where the choices are made."""
    from frontends.console.wizard import first_run_hint  # noqa: PLC0415
    from frontends.web.exposure import check_exposure, check_mcp  # noqa: PLC0415

    if settings.web.enabled:
        check_exposure(settings.web)
        check_mcp(settings.mcp)
    hint = first_run_hint(settings, os.environ, Path.cwd())
    if hint is not None and sys.stdin.isatty():
        sys.stdout.write(f"{hint}\n")


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[ServiceFactory]:
    from services.factory import opened_services  # noqa: PLC0415

    async with opened_services(settings) as services:
        yield services


def _reactions(
    stopping: Stopping, hangup: Hangup | None
) -> Mapping[signal.Signals, Callable[[], None]]:
    """Return what signals do; without ``hangup`` the program is a chat, which Ctrl-C ends."""
    end = partial(stopping.insist, signal.SIGTERM)
    if hangup is None:
        return {signal.SIGTERM: end, signal.SIGHUP: partial(stopping.ask, signal.SIGHUP)}
    return {
        signal.SIGTERM: end,
        signal.SIGINT: partial(stopping.insist, signal.SIGINT),
        signal.SIGHUP: hangup.heed,
    }


async def supervise(
    wanted: Sequence[Frontend], services: ServiceFactory, *, stopping: Stopping, patience: float
) -> int:
    """Run ``wanted`` until all have ended, one has failed, or ``stopping`` is asked.

    Then answers may go on for ``patience`` seconds before the remaining frontends are cancelled.
    Returns the highest exit code, 0 when a signal was the reason; raises the first failure.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_outcome(each, services), name=each.name) for each in wanted]
        asked = group.create_task(stopping.wait(), name="stopping")
        while not (stopping.asked or all(task.done() for task in tasks) or _failures(tasks)):
            pending = [task for task in (*tasks, asked) if not task.done()]
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        stopping.watch()
        await services.conversations().drain(patience)
        for task in (*tasks, asked):
            task.cancel()
    if stopping.signal is not None:
        return DONE
    for failure in _failures(tasks):
        raise failure
    return max((one for one in _outcomes(tasks) if isinstance(one, int)), default=DONE)


async def _outcome(frontend: Frontend, services: ServiceFactory) -> int | Exception:
    """Run one frontend and return its exit code, or what it failed with."""
    try:
        code = await frontend.run(services)
    except Exception as error:  # one frontend's failure must not cut off the others' answers
        if reader_gone(error):
            return DONE
        logger.exception("frontend failed", extra={"frontend": frontend.name})
        return error
    logger.info("frontend ended", extra={"frontend": frontend.name, "code": code})
    return code


Outcome = int | Exception


def _outcomes(tasks: Sequence[asyncio.Task[Outcome]]) -> list[Outcome]:
    return [task.result() for task in tasks if task.done() and not task.cancelled()]


def _failures(tasks: Sequence[asyncio.Task[Outcome]]) -> list[Exception]:
    return [outcome for outcome in _outcomes(tasks) if isinstance(outcome, Exception)]
