"""Messages that are pinned and unpinned."""

from __future__ import annotations

from tests.discord_standin.actions import messages
from tests.discord_standin.actions.messages import Draft, place_of
from tests.discord_standin.entities import PINNED, Channel, Message, User
from tests.discord_standin.payloads.view import optional_stamp
from tests.discord_standin.site import Site


def pinned_in(channel: Channel) -> list[Message]:
    """Return the pinned messages, the latest pin first."""
    found = [(each.pinned_at, each.id, each) for each in channel.messages.values()]
    kept = [(moment, number, each) for moment, number, each in found if moment is not None]
    return [each for _, _, each in sorted(kept, key=lambda pin: pin[:2], reverse=True)]


def pin(site: Site, message: Message, user: User) -> None:
    """Pin a message; the channel is told so by a message of type 6."""
    if message.pinned_at is not None:
        return
    message.pinned_at = site.world.clock.now()
    _tell(site, message)
    channel = site.world.channels[message.channel_id]
    messages.post(site, channel, user, Draft(type=PINNED, reference=(channel.id, message.id)))


def unpin(site: Site, message: Message) -> None:
    """Take a pin away."""
    if message.pinned_at is None:
        return
    message.pinned_at = None
    _tell(site, message)


def _tell(site: Site, message: Message) -> None:
    channel = site.world.channels[message.channel_id]
    latest = next(iter(pinned_in(channel)), None)
    told = place_of(channel) | {
        "last_pin_timestamp": optional_stamp(latest.pinned_at if latest else None)
    }
    messages.changed(site, message)
    site.gateway.tell("CHANNEL_PINS_UPDATE", lambda _: told, channel=channel)
