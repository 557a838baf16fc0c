"""Channels and direct conversations."""

from __future__ import annotations

from tests.discord_standin import errors
from tests.discord_standin.actions import channels as acts
from tests.discord_standin.entities import Channel, ChannelType, Overwrite
from tests.discord_standin.founding import add_channel
from tests.discord_standin.payloads.channels import channel_json
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.permissions import Permission
from tests.discord_standin.rest.routing import Answer, Call, Route
from tests.discord_standin.rest.threads import change_thread


def fetch(call: Call) -> Answer:
    return channel_json(call.view, call.channel())


def change(call: Call) -> Answer:
    channel = call.channel()
    if channel.thread is None:
        call.demand(channel, Permission.MANAGE_CHANNELS)
    elif channel.thread.owner_id != call.user.id:
        call.demand(channel, Permission.MANAGE_THREADS)
    fields = call.fields
    channel.name = fields.get("name") or channel.name
    channel.topic = fields.get("topic", channel.topic)
    channel.nsfw = bool(fields.get("nsfw", channel.nsfw))
    if "rate_limit_per_user" in fields:
        channel.slowmode_seconds = fields["rate_limit_per_user"] or 0
    if "parent_id" in fields:
        channel.parent_id = int(fields["parent_id"] or 0) or None
    _settle_overwrites(channel, fields)
    if channel.thread:
        change_thread(call, channel.thread, fields)
    acts.changed(call.site, channel)
    return channel_json(call.view, channel)


def delete(call: Call) -> Answer:
    channel = call.channel()
    if channel.type == ChannelType.DIRECT:
        return channel_json(call.view, channel)
    call.demand(
        channel, Permission.MANAGE_THREADS if channel.thread else Permission.MANAGE_CHANNELS
    )
    shown = channel_json(call.view, channel)
    acts.close(call.site, channel)
    return shown


def open_direct(call: Call) -> Answer:
    recipient = call.site.world.users.get(int(call.fields["recipient_id"]))
    if recipient is None:
        raise errors.invalid_form("recipient_id", "INVALID_RECIPIENT", "Invalid recipient")
    channel = call.site.world.direct_channel(call.user.id, recipient.id)
    return channel_json(call.view, channel)


def list_of_guild(call: Call) -> Answer:
    guild = call.guild()
    return [channel_json(call.view, each) for each in call.site.world.channels_of(guild.id)]


def create(call: Call) -> Answer:
    guild = call.guild()
    fields = call.fields
    channel = add_channel(
        call.site.world,
        guild,
        fields["name"],
        kind=ChannelType(fields.get("type") or 0),
        parent=call.site.world.channels.get(int(fields.get("parent_id") or 0)),
    )
    try:
        call.demand(channel, Permission.MANAGE_CHANNELS)
    except errors.DiscordError:
        del call.site.world.channels[channel.id]
        raise
    channel.topic = fields.get("topic")
    channel.nsfw = bool(fields.get("nsfw"))
    channel.slowmode_seconds = fields.get("rate_limit_per_user") or 0
    _settle_overwrites(channel, fields)
    acts.opened(call.site, channel)
    return channel_json(call.view, channel)


def overwrite(call: Call) -> Answer:
    channel = call.channel(Permission.MANAGE_ROLES)
    _put_overwrite(channel, call.fields | {"id": call.path["overwrite_id"]})
    acts.changed(call.site, channel)
    return None


def delete_overwrite(call: Call) -> Answer:
    channel = call.channel(Permission.MANAGE_ROLES)
    if channel.overwrites.pop(call.id("overwrite_id"), None) is None:
        raise errors.DiscordError(404, 10009, "Unknown Overwrite")
    acts.changed(call.site, channel)
    return None


def _put_overwrite(channel: Channel, given: Json) -> None:
    target = int(given["id"])
    channel.overwrites[target] = Overwrite(
        id=target,
        of_member=int(given["type"]) == 1,
        allow=int(given.get("allow") or 0),
        deny=int(given.get("deny") or 0),
    )


def _settle_overwrites(channel: Channel, fields: Json) -> None:
    if "permission_overwrites" in fields:
        channel.overwrites.clear()
        for each in fields["permission_overwrites"] or ():
            _put_overwrite(channel, each)


_CHANNEL = "/channels/{channel_id}"
_OVERWRITE = _CHANNEL + "/permissions/{overwrite_id}"

ROUTES = (
    Route("GET", _CHANNEL, fetch),
    Route("PATCH", _CHANNEL, change),
    Route("DELETE", _CHANNEL, delete),
    Route("PUT", _OVERWRITE, overwrite),
    Route("DELETE", _OVERWRITE, delete_overwrite),
    Route("POST", "/users/@me/channels", open_direct),
    Route("GET", "/guilds/{guild_id}/channels", list_of_guild),
    Route("POST", "/guilds/{guild_id}/channels", create, status=201),
)
