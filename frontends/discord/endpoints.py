"""Where discord.py looks for Discord."""

from __future__ import annotations

import discord
import discord.gateway
import discord.http
import yarl

from services.settings import DiscordSettings


def point_at(settings: DiscordSettings) -> None:
    """Let discord.py in this process use the servers that the settings name.

    Their addresses are attributes of its classes: one set holds per process.
    """
    discord.http.Route.BASE = settings.api_url.rstrip("/")
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.gateway_url)
    discord.Asset.BASE = settings.cdn_url.rstrip("/")
