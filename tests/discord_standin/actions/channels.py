"""Channels that open, change and close; bots are told of those hidden from them too."""

from __future__ import annotations

from tests.discord_standin.entities import Channel, Webhook
from tests.discord_standin.payloads.channels import channel_json
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.site import Site


def opened(site: Site, channel: Channel) -> None:
    """Tell of a new channel."""
    _tell(site, "CHANNEL_CREATE", channel)


def changed(site: Site, channel: Channel) -> None:
    """Tell of a channel or thread that is different now."""
    _tell(site, "THREAD_UPDATE" if channel.thread else "CHANNEL_UPDATE", channel)


def close(site: Site, channel: Channel) -> None:
    """Delete a channel, its threads and its webhooks, or a thread."""
    world = site.world
    site.gateway.voice.close_channel(channel)
    for thread in [each for each in world.channels.values() if each.parent_id == channel.id]:
        if thread.thread:
            close(site, thread)
    for webhook in world.webhooks_of(channel.id):
        del world.webhooks[webhook.id]

    def build(_: View) -> Json:
        return {
            "id": str(channel.id),
            "guild_id": str(channel.guild_id),
            "parent_id": str(channel.parent_id),
            "type": int(channel.type),
        }

    if channel.thread:
        site.gateway.tell("THREAD_DELETE", build, channel=channel)
    else:
        _tell(site, "CHANNEL_DELETE", channel)
    del world.channels[channel.id]
    site.changes.notify()


def webhooks_changed(site: Site, channel: Channel) -> None:
    """Tell that a channel's webhooks are different now."""
    told = {"guild_id": str(channel.guild_id), "channel_id": str(channel.id)}
    site.gateway.tell("WEBHOOKS_UPDATE", lambda _: told, channel=channel)


def delete_webhook(site: Site, webhook: Webhook) -> None:
    """Remove a webhook; what it posted stays."""
    del site.world.webhooks[webhook.id]
    webhooks_changed(site, site.world.channels[webhook.channel_id])


def _tell(site: Site, event: str, channel: Channel) -> None:
    def build(view: View) -> Json:
        return channel_json(view, channel)

    if channel.thread:
        site.gateway.tell(event, build, channel=channel)
    else:
        site.gateway.tell(event, build, guild_id=channel.guild_id)
