"""Webhooks: made and listed with a bot's token, used with their own."""

from __future__ import annotations

from typing import Final

from tests.discord_standin import errors
from tests.discord_standin.actions import channels
from tests.discord_standin.entities import Channel, Webhook
from tests.discord_standin.limits import WEBHOOK
from tests.discord_standin.payloads.channels import webhook_json
from tests.discord_standin.permissions import Permission
from tests.discord_standin.rest import webhook_messages as messages
from tests.discord_standin.rest.images import image_in
from tests.discord_standin.rest.routing import Answer, Call, Route
from tests.discord_standin.rest.webhook_names import checked_name

_MOST_WEBHOOKS: Final = 15


def create(call: Call) -> Answer:
    channel = call.channel(Permission.MANAGE_WEBHOOKS)
    if len(call.site.world.webhooks_of(channel.id)) >= _MOST_WEBHOOKS:
        raise errors.too_many_webhooks()
    if channel.thread or channel.guild_id is None:
        raise errors.DiscordError(400, 50024, "Cannot execute action on this channel type")
    snowflake = call.site.world.ids.next()
    webhook = Webhook(
        id=snowflake,
        channel_id=channel.id,
        guild_id=channel.guild_id,
        name=checked_name(call.fields["name"], field="name"),
        token=f"{snowflake:x}".ljust(68, "w"),
        creator_id=call.user.id,
        application_id=call.caller.application_id,
        avatar=_avatar(call),
    )
    call.site.world.webhooks[webhook.id] = webhook
    channels.webhooks_changed(call.site, channel)
    return _shown(call, webhook)


def of_channel(call: Call) -> Answer:
    channel = call.channel(Permission.MANAGE_WEBHOOKS)
    return [_shown(call, webhook) for webhook in call.site.world.webhooks_of(channel.id)]


def of_guild(call: Call) -> Answer:
    guild = call.guild()
    found = [each for each in call.site.world.webhooks.values() if each.guild_id == guild.id]
    for webhook in found:
        call.demand(_channel_of(call, webhook), Permission.MANAGE_WEBHOOKS)
    return [_shown(call, webhook) for webhook in found]


def fetch(call: Call) -> Answer:
    return _shown(call, _own(call))


def fetch_with_token(call: Call) -> Answer:
    shown = webhook_json(call.view, messages.webhook_of(call))
    del shown["user"]
    return shown


def change(call: Call) -> Answer:
    webhook = _own(call) if "webhook_token" not in call.path else messages.webhook_of(call)
    if "name" in call.fields:
        webhook.name = checked_name(call.fields["name"], field="name")
    if "avatar" in call.fields:
        webhook.avatar = _avatar(call)
    channels.webhooks_changed(call.site, _channel_of(call, webhook))
    shown = webhook_json(call.view, webhook)
    if "webhook_token" in call.path:
        del shown["user"]
    return shown


def delete(call: Call) -> Answer:
    webhook = _own(call) if "webhook_token" not in call.path else messages.webhook_of(call)
    channels.delete_webhook(call.site, webhook)
    return None


def _own(call: Call) -> Webhook:
    webhook = call.site.world.webhooks.get(call.id("webhook_id"))
    if webhook is None:
        raise errors.unknown_webhook()
    call.demand(_channel_of(call, webhook), Permission.MANAGE_WEBHOOKS)
    return webhook


def _channel_of(call: Call, webhook: Webhook) -> Channel:
    return call.site.world.channels[webhook.channel_id]


def _shown(call: Call, webhook: Webhook) -> dict[str, object]:
    """Return the webhook; its token only to the application that made it."""
    own = webhook.application_id == call.caller.application_id
    return webhook_json(call.view, webhook, with_token=own or webhook.application_id is None)


def _avatar(call: Call) -> str | None:
    given = call.fields.get("avatar")
    if given is None:
        return None
    return call.site.world.add_avatar(image_in(given, field="avatar"))


_HOOK = "/webhooks/{webhook_id}"
_TOKEN = _HOOK + "/{webhook_token}"
_MESSAGE = _TOKEN + "/messages/{message_id}"
_ORIGINAL = _TOKEN + "/messages/@original"

ROUTES = (
    Route("POST", "/channels/{channel_id}/webhooks", create),
    Route("GET", "/channels/{channel_id}/webhooks", of_channel),
    Route("GET", "/guilds/{guild_id}/webhooks", of_guild),
    Route("GET", _HOOK, fetch),
    Route("PATCH", _HOOK, change),
    Route("DELETE", _HOOK, delete),
    Route("GET", _TOKEN, fetch_with_token, authorised=False),
    Route("PATCH", _TOKEN, change, authorised=False),
    Route("DELETE", _TOKEN, delete, authorised=False),
    Route("POST", _TOKEN, messages.execute, WEBHOOK, authorised=False),
    Route("GET", _MESSAGE, messages.fetch, authorised=False),
    Route("PATCH", _MESSAGE, messages.edit, WEBHOOK, authorised=False),
    Route("DELETE", _MESSAGE, messages.delete, WEBHOOK, authorised=False),
    Route("GET", _ORIGINAL, messages.fetch, authorised=False),
    Route("PATCH", _ORIGINAL, messages.edit, WEBHOOK, authorised=False),
    Route("DELETE", _ORIGINAL, messages.delete, WEBHOOK, authorised=False),
)
