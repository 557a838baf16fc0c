"""The bot with real services, living in the stand-in for Discord."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord

from frontends.discord.bot import AcoreBot
from frontends.discord.endpoints import point_at
from frontends.discord.running import wanted_intents
from services.lifecycle import Supervisor
from services.llm.model import ChatModel
from services.settings import DiscordSettings
from tests.discord_standin.heartbeats import heartbeats_ended
from tests.discord_standin.scene import Scene
from tests.fakes.app import App, opened_app

PATIENCE = 20.0
HASTE = 5.0


@dataclass
class DiscordApp:
    """The bot, the application behind it, and the place it lives in."""

    bot: AcoreBot
    app: App
    town: Scene


@asynccontextmanager
async def discord_app(
    town: Scene,
    model: ChatModel,
    data: Path,
    *,
    discord_settings: dict[str, Any] | None = None,
    intents: Callable[[discord.Intents], None] | None = None,
    **options: Any,
) -> AsyncIterator[DiscordApp]:
    """Open an application with ``model`` and let its bot log in; leave when it has left.

    ``options`` are those of ``opened_app``, sections of settings included.
    """
    section = settings_of(town, **(discord_settings or {}))
    async with (
        opened_app(data, model, discord=section, **options) as app,
        bot_in(town, app, section, intents=intents) as bot,
    ):
        yield DiscordApp(bot=bot, app=app, town=town)


@asynccontextmanager
async def bot_in(
    town: Scene,
    app: App,
    section: DiscordSettings,
    *,
    intents: Callable[[discord.Intents], None] | None = None,
) -> AsyncIterator[AcoreBot]:
    """Let a bot on the services of ``app`` log in, and log it out at the end."""
    before = _addresses()
    point_at(section)
    wanted = wanted_intents(section)
    if intents is not None:
        intents(wanted)
    try:
        async with Supervisor() as supervisor:
            bot = AcoreBot(app.factory, section, supervisor=supervisor, intents=wanted)
            bot.pacing.haste = town.standin.limits.haste = HASTE
            async with asyncio.TaskGroup() as group, bot:
                assert section.token is not None
                running = group.create_task(bot.start(section.token.get_secret_value()))
                ready = group.create_task(bot.wait_until_ready())
                await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    ready.cancel()
                    running.result()
                yield bot
                await app.conversations.drain(0.0)
                await bot.close()
                await heartbeats_ended()
    finally:
        _point_back(before)


def settings_of(town: Scene, **changes: Any) -> DiscordSettings:
    """Return settings that point at the stand-in."""
    return DiscordSettings.model_validate(
        {
            "token": town.bot.token,
            "api_url": town.standin.api_url,
            "gateway_url": town.standin.gateway.url,
            "cdn_url": town.standin.gateway.cdn,
            **changes,
        }
    )


def _addresses() -> tuple[Any, ...]:
    socket = discord.gateway.DiscordWebSocket
    return discord.http.Route.BASE, socket.DEFAULT_GATEWAY, discord.Asset.BASE


def _point_back(before: tuple[Any, ...]) -> None:
    socket = discord.gateway.DiscordWebSocket
    discord.http.Route.BASE, socket.DEFAULT_GATEWAY, discord.Asset.BASE = before
