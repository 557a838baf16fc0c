"""Another discord.py than the bot was written for is told of at the start, not in the middle."""

from __future__ import annotations

import discord
import discord.gateway
import discord.http
import pytest

from frontends.discord.library_parts import check_client, check_library
from services.domain.errors import ConfigurationError


@pytest.fixture
def client():
    return discord.Client(intents=discord.Intents.none())


def test_the_installed_library_has_every_part(client):
    check_library()
    check_client(client)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (discord.http.Route, "BASE"),
        (discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY"),
        (discord.http.HTTPClient, "bulk_upsert_guild_commands"),
    ],
)
def test_a_part_that_is_gone_is_named_with_the_installed_version(monkeypatch, owner, name):
    monkeypatch.delattr(owner, name)
    with pytest.raises(ConfigurationError) as caught:
        check_library()
    said = caught.value.user_message
    assert f"discord.py {discord.__version__} ({owner.__name__}.{name} is gone)" in said


def test_a_client_that_keeps_its_buttons_elsewhere_is_refused(client, monkeypatch):
    monkeypatch.delattr(client._connection._view_store, "_modals")
    with pytest.raises(ConfigurationError, match=r"Client\._connection\._view_store\._modals"):
        check_client(client)
