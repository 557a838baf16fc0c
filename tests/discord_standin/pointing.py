"""Points the unmodified discord.py at a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import discord
import discord.asset
import discord.gateway
import discord.http
import yarl

from tests.discord_standin.server import Standin
from tests.discord_standin.voice.certificate import trust_here


@contextmanager
def discord_py_at(standin: Standin) -> Iterator[None]:
    """Let discord.py in this process use the stand-in; its addresses are class attributes."""
    if standin.gateway.voice.servers:
        trust_here()
    route, socket, asset = discord.http.Route, discord.gateway.DiscordWebSocket, discord.Asset
    before = route.BASE, socket.DEFAULT_GATEWAY, asset.BASE
    route.BASE = standin.api_url
    socket.DEFAULT_GATEWAY = yarl.URL(standin.gateway.url)
    asset.BASE = standin.gateway.cdn
    try:
        yield
    finally:
        route.BASE, socket.DEFAULT_GATEWAY, asset.BASE = before
