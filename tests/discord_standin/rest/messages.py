"""Messages, reactions and typing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from tests.discord_standin import errors
from tests.discord_standin.actions import messages as acts
from tests.discord_standin.entities import Channel, ChannelType, Message
from tests.discord_standin.limits import DELETING, EDITING, REACTING, SENDING, TYPING
from tests.discord_standin.payloads.messages import message_json
from tests.discord_standin.payloads.users import user_json
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.permissions import Permission, granted
from tests.discord_standin.rest.drafts import draft_of, revision_of
from tests.discord_standin.rest.routing import Answer, Call, Route
from tests.discord_standin.snowflakes import moment_of

_NONCE_SECONDS = 300.0


def create(call: Call) -> Answer:
    channel = call.channel()
    _demand_speech(call, channel)
    fields = call.fields
    twin = _twin(call, channel, fields)
    if twin:
        return message_json(call.view, twin)
    draft = draft_of(call, fields)
    if fields.get("message_reference"):
        draft = replace(draft, reference=_reference(call, channel, fields["message_reference"]))
    if draft.attachments:
        call.demand(channel, Permission.ATTACH_FILES)
    message = acts.post(call.site, channel, call.user, draft)
    return message_json(call.view, message)


def edit(call: Call) -> Answer:
    channel = call.channel()
    message = call.message(channel)
    if message.author.id != call.user.id:
        raise errors.foreign_message()
    acts.edit(call.site, message, revision_of(call, call.fields, had=message.attachments))
    return message_json(call.view, message)


def delete(call: Call) -> Answer:
    channel = call.channel()
    message = call.message(channel)
    if message.author.id != call.user.id:
        call.demand(channel, Permission.MANAGE_MESSAGES)
    acts.delete(call.site, message)
    return None


def delete_many(call: Call) -> Answer:
    channel = call.channel(Permission.MANAGE_MESSAGES)
    acts.delete_many(call.site, channel, [int(each) for each in call.fields["messages"]])
    return None


def fetch(call: Call) -> Answer:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    return message_json(call.view, call.message(channel))


def history(call: Call) -> Answer:
    channel = call.channel()
    if not granted(call.site.world, call.user.id, channel) & Permission.READ_MESSAGE_HISTORY:
        return []
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise errors.invalid_form("limit", "NUMBER_TYPE_MAX", "int value should be 1 to 100.")
    seen = [each for each in channel.messages.values() if each.shown_only_to is None]
    return [message_json(call.view, message) for message in _page(call, seen, limit)]


def react(call: Call) -> Answer:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    message = call.message(channel)
    emoji = call.path["emoji_name"]
    if emoji not in message.reactions:
        call.demand(channel, Permission.ADD_REACTIONS)
    acts.react(call.site, message, call.user, emoji)
    return None


def unreact(call: Call) -> Answer:
    message = call.message(call.channel())
    acts.unreact(call.site, message, call.user, call.path["emoji_name"])
    return None


def unreact_other(call: Call) -> Answer:
    message = call.message(call.channel(Permission.MANAGE_MESSAGES))
    user = call.site.world.users.get(call.id("user_id"))
    if user is None:
        raise errors.unknown_user()
    acts.unreact(call.site, message, user, call.path["emoji_name"])
    return None


def reactors(call: Call) -> Answer:
    message = call.message(call.channel())
    users = message.reactions.get(call.path["emoji_name"], [])
    after = int(call.query.get("after", 0))
    limit = int(call.query.get("limit", 25))
    found = sorted(each for each in users if each > after)[:limit]
    return [user_json(call.site.world.users[each]) for each in found]


def clear_reactions(call: Call) -> Answer:
    message = call.message(call.channel(Permission.MANAGE_MESSAGES))
    acts.clear_reactions(call.site, message, call.path.get("emoji_name"))
    return None


def show_typing(call: Call) -> Answer:
    channel = call.channel()
    _demand_speech(call, channel)
    acts.show_typing(call.site, channel, call.user)
    return None


def _demand_speech(call: Call, channel: Channel) -> None:
    if channel.thread is None:
        call.demand(channel, Permission.SEND_MESSAGES)
    else:
        call.demand(channel, Permission.SEND_MESSAGES_IN_THREADS)
        if channel.thread.archived and channel.thread.locked:
            raise errors.archived_thread()
    if channel.type in (ChannelType.CATEGORY, ChannelType.FORUM):
        raise errors.DiscordError(400, 50008, "Cannot send messages in a non-text channel")
    if channel.type == ChannelType.DIRECT:
        others = [each for each in channel.recipients if each != call.user.id]
        if not all(call.site.world.users[each].takes_direct_messages for each in others):
            raise errors.closed_to_direct_messages()


def _twin(call: Call, channel: Channel, fields: Json) -> Message | None:
    """Return the message a repeated nonce already made."""
    nonce = fields.get("nonce")
    if nonce is None or not fields.get("enforce_nonce"):
        return None
    now = call.site.world.clock.now()
    for message in islice(reversed(channel.messages.values()), 200):
        if (now - moment_of(message.id)).total_seconds() > _NONCE_SECONDS:
            return None
        if message.nonce == nonce and message.author.id == call.user.id:
            return message
    return None


def _reference(call: Call, channel: Channel, given: Json) -> tuple[int, int] | None:
    call.demand(channel, Permission.READ_MESSAGE_HISTORY)
    message_id = int(given["message_id"])
    if message_id in channel.messages:
        return channel.id, message_id
    if given.get("fail_if_not_exists", True):
        raise errors.invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return None


def _page(call: Call, messages: list[Message], limit: int) -> Iterable[Message]:
    """Return one page, newest first."""
    query = call.query
    if "after" in query:
        after = [each for each in messages if each.id > int(query["after"])]
        return reversed(after[:limit])
    if "around" in query:
        middle = int(query["around"])
        older = [each for each in messages if each.id <= middle][-(limit // 2 + 1) :]
        newer = [each for each in messages if each.id > middle][: limit // 2]
        return reversed((older + newer)[:limit])
    if "before" in query:
        messages = [each for each in messages if each.id < int(query["before"])]
    return reversed(messages[-limit:])


_ALL = "/channels/{channel_id}/messages"
_ONE = _ALL + "/{message_id}"
_EMOJI = _ONE + "/reactions/{emoji_name}"

ROUTES = (
    Route("POST", _ALL, create, SENDING),
    Route("GET", _ALL, history),
    Route("POST", _ALL + "/bulk-delete", delete_many),
    Route("GET", _ONE, fetch),
    Route("PATCH", _ONE, edit, EDITING),
    Route("DELETE", _ONE, delete, DELETING),
    Route("PUT", _EMOJI + "/@me", react, REACTING),
    Route("DELETE", _EMOJI + "/@me", unreact, REACTING),
    Route("DELETE", _EMOJI + "/{user_id}", unreact_other, REACTING),
    Route("GET", _EMOJI, reactors),
    Route("DELETE", _EMOJI, clear_reactions, REACTING),
    Route("DELETE", _ONE + "/reactions", clear_reactions, REACTING),
    Route("POST", "/channels/{channel_id}/typing", show_typing, TYPING),
)
