"""Starting the bot, and saying in one sentence why that failed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import aiohttp
import discord

from frontends.discord.bot import AcoreBot
from frontends.discord.endpoints import point_at
from frontends.discord.library_parts import check_library
from services.domain.errors import ConfigurationError, ProviderError, ProviderFault
from services.lifecycle import Supervisor
from services.settings import DiscordSettings, Settings

if TYPE_CHECKING:
    from services.factory import ServiceFactory

logger = logging.getLogger(__name__)

_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_FIRST_GATEWAY_PAUSE = 0.5
_LONGEST_GATEWAY_PAUSE = 30.0
_TOO_MANY = 429
_TOKEN_REFUSED = 4004

_CONTENT_MISSING = (
    "Discord does not give this bot the content of messages, so it hears mentions, replies, direct "
    "messages and commands only: switch on Message Content Intent on the Bot page of the "
    "application to change that."
)
_MEMBERS_MISSING = (
    "Discord refuses the members intent: switch on Server Members Intent on the Bot page of the "
    "application, or set discord.members to false. Going on without."
)
_PRESENCES_MISSING = (
    "Discord refuses the presence intent: switch on Presence Intent on the Bot page of the "
    "application, or set discord.presences to false. Going on without."
)
_UNKNOWN = (
    "Discord does not know this token: copy it anew from the Bot page of the application and set "
    "DISCORD_TOKEN."
)


async def run_discord(services: ServiceFactory, *, settings: Settings) -> int:
    """Run the bot until it is cancelled.

    Intents the application lacks are done without, and the operator is told. A login that Discord
    fails at is tried again for a minute; a gateway that refuses connections is tried for ever.

    Raises ``ConfigurationError`` for a token Discord refuses and for another discord.py than it was
    written for, and ``ProviderError`` when Discord cannot be reached.
    """
    check_library()
    section = settings.discord
    token = _token(section)
    point_at(section)
    intents = wanted_intents(section)
    pauses = iter(_PAUSES)
    while True:
        async with Supervisor() as supervisor:
            bot = AcoreBot(services, section, supervisor=supervisor, intents=intents)
            try:
                async with bot:
                    await _live(bot, token)
                    return 0
            except discord.LoginFailure as error:
                raise ConfigurationError("discord_token", _UNKNOWN) from error
            except discord.PrivilegedIntentsRequired:
                intents = _fewer(intents, bot, services)
                continue
            except discord.ConnectionClosed as error:
                raise _ended(error) from error
            except aiohttp.ClientConnectorError as error:
                raise _unreachable(section) from error
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                pause = _pause(error, next(pauses, None), section)
        await asyncio.sleep(pause)


def wanted_intents(settings: DiscordSettings) -> discord.Intents:
    """Return what the gateway is asked to tell."""
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    intents.webhooks = intents.voice_states = True
    intents.message_content = settings.message_content
    intents.members = settings.members
    intents.presences = settings.presences
    return intents


async def _live(bot: AcoreBot, token: str) -> None:
    """Log in and stay until the bot is closed."""
    await bot.login(token)
    pause = _FIRST_GATEWAY_PAUSE
    while not bot.is_closed():
        try:
            await bot.connect()
        except AttributeError:
            socket: object = bot.ws
            if socket is not None:
                raise
            # discord.py 2.7 wants to resume where not even the first connection came about.
            logger.warning("the gateway refuses connections", extra={"pause": pause})
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_GATEWAY_PAUSE)


def _token(section: DiscordSettings) -> str:
    token = "" if section.token is None else section.token.get_secret_value().strip()
    if not token:
        raise ConfigurationError(
            "discord_token", "The bot has no token: set DISCORD_TOKEN; `main.py doctor` says how."
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError("discord_token", _UNKNOWN)
    return token


def _pause(error: Exception, pause: float | None, section: DiscordSettings) -> float:
    """Return the seconds to wait before the next login; raises when there will be none."""
    status = error.status if isinstance(error, discord.HTTPException) else None
    if status is not None and status < 500 and status != _TOO_MANY:
        raise ConfigurationError(
            "discord_refused",
            f"Discord does not let this bot in (status {status}); look at the Bot page of the "
            "application.",
        ) from error
    if pause is None:
        raise _unreachable(section) from error
    logger.warning("Discord failed at the login", extra={"status": status, "pause": pause})
    return pause


def _unreachable(section: DiscordSettings) -> ProviderError:
    return ProviderError(
        "discord",
        ProviderFault.UNREACHABLE,
        f"Discord cannot be reached at {section.api_url}; check the network and start again.",
    )


def _ended(error: discord.ConnectionClosed) -> ConfigurationError:
    """Return what to say when Discord ends a connection and wants no other."""
    if error.code == _TOKEN_REFUSED:
        return ConfigurationError("discord_token", _UNKNOWN)
    return ConfigurationError(
        "discord_gateway",
        f"Discord ended the connection for good (code {error.code}); look at the Bot page of the "
        "application, and start again.",
    )


def _fewer(intents: discord.Intents, bot: AcoreBot, services: ServiceFactory) -> discord.Intents:
    """Return the intents to go on with, without those that the application lacks."""
    flags = bot.application.flags if bot.application is not None else discord.ApplicationFlags()
    granted = {
        "message_content": flags.gateway_message_content or flags.gateway_message_content_limited,
        "members": flags.gateway_guild_members or flags.gateway_guild_members_limited,
        "presences": flags.gateway_presence or flags.gateway_presence_limited,
    }
    sentences = {
        "message_content": _CONTENT_MISSING,
        "members": _MEMBERS_MISSING,
        "presences": _PRESENCES_MISSING,
    }
    asked = [name for name in sentences if getattr(intents, name)]
    if not asked:
        raise ConfigurationError("discord_intents", "Discord refuses every intent of this bot.")
    missing = [name for name in asked if not granted[name]] or asked
    fewer = discord.Intents(intents.value)
    for name in missing:
        setattr(fewer, name, False)
        logger.warning("an intent is missing", extra={"intent": name})
        services.announce()("discord_intents", sentences[name])
    return fewer
