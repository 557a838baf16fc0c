"""The undocumented parts of discord.py that the bot stands on, and a check that they are there."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

import discord
import discord.gateway
import discord.http
from discord import app_commands

from services.domain.errors import ConfigurationError

_OF_CLASSES: Final[tuple[tuple[type, tuple[str, ...]], ...]] = (
    (discord.http.Route, ("BASE",)),
    (discord.gateway.DiscordWebSocket, ("DEFAULT_GATEWAY",)),
    (discord.Asset, ("BASE",)),
    (
        discord.http.HTTPClient,
        ("request", "bulk_upsert_global_commands", "bulk_upsert_guild_commands"),
    ),
    (app_commands.Command, ("to_dict", "get_translated_payload")),
)
_OF_CLIENTS: Final = (
    *("http", "ws", "_connection.parsers", "_connection._ready_task"),
    *("_connection._view_store._views", "_connection._view_store._modals"),
)


def check_library() -> None:
    """Demand all that can be seen before there is a client; raises ``ConfigurationError``.

    To be called first: what is written to a class is there afterwards in any case.
    """
    for owner, names in _OF_CLASSES:
        for name in names:
            _demand(owner, name, shown=f"{owner.__name__}.{name}")


def check_client(client: discord.Client) -> None:
    """Demand what only a client shows; raises ``ConfigurationError``."""
    for path in _OF_CLIENTS:
        _demand(client, path, shown=f"Client.{path}")


def parsers_of(client: discord.Client) -> MutableMapping[str, Any]:
    """Return what reads each event of the gateway."""
    return client._connection.parsers  # noqa: SLF001


def end_buttons(client: discord.Client) -> None:
    """End what waits for clicks and forms; discord.py would let its timers run on."""
    store = client._connection._view_store  # noqa: SLF001
    kept = [*store._views.values()]  # noqa: SLF001
    waiting = {item.view for items in kept for item in items.values()}
    forms = store._modals.values()  # noqa: SLF001
    for view in (*waiting, *forms):
        if view is not None:
            view.stop()


def end_awaiting_guilds(client: discord.Client) -> None:
    """End the wait for guilds of a client that was closed; discord.py would let it run on."""
    waiting = client._connection._ready_task  # noqa: SLF001
    if waiting is not None:
        waiting.cancel()


def _demand(owner: object, path: str, *, shown: str) -> None:
    found = owner
    for name in path.split("."):
        if not hasattr(found, name):
            raise ConfigurationError(
                "discord_py_changed",
                f"The bot does not work with discord.py {discord.__version__} ({shown} is gone): "
                "run `make setup` again, which installs the version it was written for.",
            )
        found = getattr(found, name)
