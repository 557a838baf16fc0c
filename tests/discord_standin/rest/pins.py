"""Pinned messages, by the routes of today and of before 2026."""

from __future__ import annotations

from typing import Final

from tests.discord_standin import errors
from tests.discord_standin.actions import pins as acts
from tests.discord_standin.entities import Message
from tests.discord_standin.payloads.messages import message_json
from tests.discord_standin.payloads.view import optional_stamp
from tests.discord_standin.permissions import Permission
from tests.discord_standin.rest.routing import Answer, Call, Route

_MOST_PINS: Final = 250


def pinned(call: Call) -> Answer:
    found = acts.pinned_in(call.channel(Permission.READ_MESSAGE_HISTORY))
    items = [_item(call, message) for message in found[: int(call.query.get("limit", 50))]]
    return {"items": items, "has_more": len(found) > len(items)}


def pinned_before_2026(call: Call) -> Answer:
    found = acts.pinned_in(call.channel(Permission.READ_MESSAGE_HISTORY))
    return [message_json(call.view, message) for message in found]


def pin(call: Call) -> Answer:
    channel = call.channel(Permission.PIN_MESSAGES)
    if len(acts.pinned_in(channel)) >= _MOST_PINS:
        raise errors.DiscordError(400, 30003, "Maximum number of pins reached for the channel")
    acts.pin(call.site, call.message(channel), call.user)
    return None


def unpin(call: Call) -> Answer:
    acts.unpin(call.site, call.message(call.channel(Permission.PIN_MESSAGES)))
    return None


def _item(call: Call, message: Message) -> dict[str, object]:
    return {
        "pinned_at": optional_stamp(message.pinned_at),
        "message": message_json(call.view, message),
    }


_NOW = "/channels/{channel_id}/messages/pins"
_BEFORE = "/channels/{channel_id}/pins"

ROUTES = (
    Route("GET", _NOW, pinned),
    Route("PUT", _NOW + "/{message_id}", pin),
    Route("DELETE", _NOW + "/{message_id}", unpin),
    Route("GET", _BEFORE, pinned_before_2026),
    Route("PUT", _BEFORE + "/{message_id}", pin),
    Route("DELETE", _BEFORE + "/{message_id}", unpin),
)
