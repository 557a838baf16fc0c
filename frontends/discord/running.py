"""Starting the bot, and saying in one sentence why that failed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import aiohttp
import discord

from frontends.discord.bot import AcoreBot
from frontends.discord.endpoints import point_at
from services.domain.errors import ConfigurationError
from services.lifecycle import Supervisor
from services.settings import DiscordSettings, Settings

if TYPE_CHECKING:
    from services.factory import ServiceFactory

logger = logging.getLogger(__name__)

_CONTENT_MISSING = (
    "Discord does not give this bot the content of messages, so it hears mentions, replies, direct "
    "messages and commands only: switch on Message Content Intent on the Bot page of the "
    "application to change that."
)
_INTENTS_MISSING = (
    "Discord refuses the members or presence intent: switch them on on the Bot page of the "
    "application, or set discord.members and discord.presences to false. Going on without."
)


async def run_discord(services: ServiceFactory, *, settings: Settings) -> int:
    """Run the bot until it is cancelled. Raises ``ConfigurationError`` for a token Discord refuses.

    Intents the application lacks are done without, and the operator is told.
    """
    section = settings.discord
    if section.token is None:
        raise ConfigurationError(
            "discord_token", "The bot has no token: set DISCORD_TOKEN; `main.py doctor` says how."
        )
    point_at(section)
    intents = wanted_intents(section)
    while True:
        async with Supervisor() as supervisor:
            bot = AcoreBot(services, section, supervisor=supervisor, intents=intents)
            try:
                async with bot:
                    await bot.start(section.token.get_secret_value())
                    return 0
            except discord.LoginFailure as error:
                raise ConfigurationError(
                    "discord_token",
                    "Discord does not know this token: copy it anew from the Bot page of the "
                    "application and set DISCORD_TOKEN.",
                ) from error
            except discord.PrivilegedIntentsRequired:
                intents = _fewer(intents, section, services)
            except (aiohttp.ClientError, OSError) as error:
                raise ConfigurationError(
                    "discord_unreachable",
                    f"Discord cannot be reached at {section.api_url}; check the network and start "
                    "again.",
                ) from error


def wanted_intents(settings: DiscordSettings) -> discord.Intents:
    """Return what the gateway is asked to tell."""
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    intents.webhooks = intents.voice_states = True
    intents.message_content = settings.message_content
    intents.members = settings.members
    intents.presences = settings.presences
    return intents


def _fewer(
    intents: discord.Intents, settings: DiscordSettings, services: ServiceFactory
) -> discord.Intents:
    """Return the intents to go on with; which one is missing Discord does not say."""
    fewer = discord.Intents(intents.value)
    if intents.members or intents.presences:
        fewer.members = fewer.presences = False
        services.announce()("discord_intents", _INTENTS_MISSING)
    elif intents.message_content:
        fewer.message_content = False
        services.announce()("discord_intents", _CONTENT_MISSING)
    else:
        raise ConfigurationError("discord_intents", "Discord refuses every intent of this bot.")
    return fewer
