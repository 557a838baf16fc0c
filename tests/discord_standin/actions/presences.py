"""How people and bots show: online or not, and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.discord_standin.entities import Guild, Presence, User
from tests.discord_standin.payloads.guilds import presence_json
from tests.discord_standin.payloads.view import Json

if TYPE_CHECKING:
    from tests.discord_standin.gateway import Gateway


def show(gateway: Gateway, user: User, presence: Presence) -> None:
    """Tell of a new presence in every guild somebody is in."""
    world = gateway.world
    if world.presences.get(user.id) == presence:
        return
    world.presences[user.id] = presence
    for guild in world.guilds_of(user.id):
        _tell(gateway, guild, user, presence)


def presence_in(sent: Json) -> Presence:
    """Return the presence a client says its bot has."""
    activities = sent.get("activities") or [None]
    return Presence(status=str(sent.get("status") or "online"), activity=activities[0])


def _tell(gateway: Gateway, guild: Guild, user: User, presence: Presence) -> None:
    told = presence_json(user.id, presence) | {"guild_id": str(guild.id)}
    gateway.tell("PRESENCE_UPDATE", lambda _: told, guild_id=guild.id)
