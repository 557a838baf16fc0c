"""Registering commands with Discord only when they have changed."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord import app_commands
from discord.http import Route

from frontends.discord.posting import PostingFailed, translated

logger = logging.getLogger(__name__)

_ENTRY_POINT = 4
_ADDED = frozenset(
    {
        *("id", "application_id", "version", "guild_id", "handler", "dm_permission"),
        *("name_localized", "description_localized"),
    }
)
_GLOBAL_ALONE = frozenset({"contexts", "integration_types", "dm_permission"})
_DEFAULTS: Mapping[str, object] = {
    "nsfw": False,
    "required": False,
    "autocomplete": False,
    "type": 1,
}
_IN_GUILDS, _WITH_THE_BOT = 0, 1


async def sync(tree: app_commands.CommandTree[Any], guilds: Sequence[int]) -> int:
    """Bring Discord's commands to those of ``tree``; return how many lists were written.

    With ``guilds`` they are registered there, at once, and none for all servers. A list that
    Discord refuses is logged and left as it was.
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
    application = tree.client.application_id
    if application is None:
        return False
    wanted = [] if empty else await _wanted(tree, guild)
    http = tree.client.http
    async with translated():
        there = await _registered(http, application, guild)
        ours = [_placed(one, guild) for one in there if one.get("type") != _ENTRY_POINT]
        if _canonical(wanted) == _canonical(ours):
            return False
        kept = [_kept(one) for one in there if one.get("type") == _ENTRY_POINT]
        if guild is None:
            await http.bulk_upsert_global_commands(application, [*wanted, *kept])
        else:
            await http.bulk_upsert_guild_commands(application, guild.id, [*wanted, *kept])
    logger.info("commands registered", extra={"commands": len(wanted)})
    return True


async def _registered(
    http: discord.http.HTTPClient, application: int, guild: discord.abc.Snowflake | None
) -> Sequence[Mapping[str, Any]]:
    """Return what is registered; discord.py's own calls leave the translations out."""
    if guild is None:
        route = Route("GET", "/applications/{application_id}/commands", application_id=application)
    else:
        route = Route(
            "GET",
            "/applications/{application_id}/guilds/{guild_id}/commands",
            application_id=application,
            guild_id=guild.id,
        )
    found: Sequence[Mapping[str, Any]] | None = await http.request(
        route, params={"with_localizations": "true"}
    )
    return found or []


async def _wanted(
    tree: app_commands.CommandTree[Any], guild: discord.abc.Snowflake | None
) -> list[Any]:
    """Return the commands of ``tree``, what Discord would fill in for global ones said outright."""
    translator = tree.translator
    wanted: list[Any] = []
    for command in tree.get_commands(guild=guild):
        if translator is None:
            payload = command.to_dict(tree)
        else:
            payload = await command.get_translated_payload(tree, translator)
        if guild is not None:
            wanted.append(_placed(payload, guild))
            continue
        private = payload.pop("dm_permission", True)
        default = [_IN_GUILDS, _WITH_THE_BOT] if private else [_IN_GUILDS]
        payload["contexts"] = payload.get("contexts") or default
        payload["integration_types"] = payload.get("integration_types") or [0]
        wanted.append(payload)
    return wanted


def _placed(payload: Mapping[str, Any], guild: discord.abc.Snowflake | None) -> dict[str, Any]:
    """Return a command without what says nothing in a single server."""
    left_out = _GLOBAL_ALONE if guild is not None else ()
    return {key: one for key, one in payload.items() if key not in left_out}


def _kept(entry_point: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command of Discord's own as it must come along; a list without it is refused."""
    left_out = _ADDED - {"id", "handler"}
    return {key: one for key, one in entry_point.items() if key not in left_out}


def _canonical(commands: Sequence[Mapping[str, Any]]) -> str:
    plain = sorted((_plain(one) for one in commands), key=lambda one: (one["name"], one["type"]))
    return json.dumps(plain, sort_keys=True, default=str)


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command without what Discord adds and without what is said by leaving it out."""
    plain: dict[str, Any] = {}
    for key, one in {**_DEFAULTS, **value}.items():
        if key in _ADDED or one is None or one in ([], {}, ""):
            continue
        if key == "default_member_permissions":
            plain[key] = str(one)
        elif isinstance(one, Mapping):
            plain[key] = dict(one)
        elif isinstance(one, float) and one.is_integer():
            plain[key] = int(one)
        elif isinstance(one, Sequence) and not isinstance(one, str):
            nested = isinstance(one[0], Mapping)
            plain[key] = [_plain(each) for each in one] if nested else sorted(one)
        else:
            plain[key] = one
    return plain
