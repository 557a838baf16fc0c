"""Registering commands with Discord only when they have changed."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord import app_commands

from frontends.discord.posting import PostingFailed, translated

logger = logging.getLogger(__name__)

_IGNORED = frozenset(
    {"id", "application_id", "version", "guild_id", "name_localized", "description_localized"}
)
_DEFAULTS: Mapping[str, object] = {
    "nsfw": False,
    "required": False,
    "autocomplete": False,
    "type": 1,
    "dm_permission": True,
}


async def sync(tree: app_commands.CommandTree[Any], guilds: Sequence[int]) -> int:
    """Bring Discord's commands to those of ``tree``; return how many lists were written.

    With ``guilds`` they are registered there, at once, and none for all servers. A server that
    refuses is logged and left out.
    """
    places: list[discord.abc.Snowflake | None] = [None]
    for guild in guilds:
        place = discord.Object(guild)
        tree.copy_global_to(guild=place)
        places.append(place)
    written = 0
    for one in places:
        try:
            written += await _sync_one(tree, one, empty=bool(guilds) and one is None)
        except PostingFailed as error:
            logger.warning("commands were not registered", extra={"code": error.code})
    return written


async def _sync_one(
    tree: app_commands.CommandTree[Any], guild: discord.abc.Snowflake | None, *, empty: bool
) -> bool:
    wanted = [] if empty else [command.to_dict(tree) for command in tree.get_commands(guild=guild)]
    application = tree.client.application_id
    http = tree.client.http
    async with translated():
        if application is None:
            return False
        if guild is None:
            there = await http.get_global_commands(application)
        else:
            there = await http.get_guild_commands(application, guild.id)
        if _canonical(wanted) == _canonical(there):
            return False
        if guild is None:
            await http.bulk_upsert_global_commands(application, wanted)
        else:
            await http.bulk_upsert_guild_commands(application, guild.id, wanted)
    logger.info("commands registered", extra={"commands": len(wanted)})
    return True


def _canonical(commands: Sequence[Mapping[str, Any]]) -> str:
    plain = sorted((_plain(one) for one in commands), key=lambda one: (one["name"], one["type"]))
    return json.dumps(plain, sort_keys=True, default=str)


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command without what Discord adds and without what is said by leaving it out."""
    plain: dict[str, Any] = {}
    for key, one in {**_DEFAULTS, **value}.items():
        if key in _IGNORED or one is None or one in ([], {}):
            continue
        if key == "default_member_permissions":
            one = str(one)
        if isinstance(one, Mapping):
            plain[key] = dict(one)
        elif isinstance(one, Sequence) and one and isinstance(one[0], Mapping):
            plain[key] = [_plain(each) for each in one]
        else:
            plain[key] = one
    return plain
