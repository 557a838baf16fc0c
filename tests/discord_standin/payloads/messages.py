"""JSON of messages, their attachments and reactions."""

from __future__ import annotations

from urllib.parse import quote

from tests.discord_standin.entities import THREAD_CREATED, Attachment, Message
from tests.discord_standin.payloads.channels import channel_json
from tests.discord_standin.payloads.users import member_json, user_json
from tests.discord_standin.payloads.view import Json, View, optional_stamp, stamp
from tests.discord_standin.snowflakes import moment_of


def message_json(view: View, message: Message, *, with_reference: bool = True) -> Json:
    """Return a message as REST answers it."""
    users = view.world.users
    found: Json = {
        "id": str(message.id),
        "type": message.type,
        "channel_id": str(message.channel_id),
        "author": user_json(message.author),
        "content": message.content,
        "mentions": [user_json(users[user_id]) for user_id in message.mentions],
        "mention_roles": [str(role_id) for role_id in message.mention_roles],
        "mention_everyone": message.mention_everyone,
        "attachments": [attachment_json(view, message, each) for each in message.attachments],
        "embeds": message.embeds,
        "components": message.components,
        "timestamp": stamp(moment_of(message.id)),
        "edited_timestamp": optional_stamp(message.edited_at),
        "flags": message.flags,
        "pinned": message.pinned_at is not None,
        "tts": message.tts,
    }
    if message.reactions:
        found["reactions"] = [
            _reaction_json(emoji, users_of, view.viewer_id)
            for emoji, users_of in message.reactions.items()
        ]
    _add_origin(view, message, found)
    if message.reference:
        _add_reference(view, message, found, with_reference=with_reference)
    elif message.type == THREAD_CREATED and message.thread_id is not None:
        found["message_reference"] = {
            "type": 0,
            "channel_id": str(message.thread_id),
            "guild_id": str(view.world.channels[message.channel_id].guild_id),
        }
    if message.thread_id is not None:
        thread = view.world.channels.get(message.thread_id)
        if thread:
            found["thread"] = channel_json(view, thread)
    return found


def event_message_json(view: View, message: Message) -> Json:
    """Return a message as the gateway tells it: with guild and member."""
    found = message_json(view, message)
    found["channel_type"] = int(view.world.channels[message.channel_id].type)
    guild_id = view.world.channels[message.channel_id].guild_id
    if guild_id is None:
        return found
    guild = view.world.guilds[guild_id]
    found["guild_id"] = str(guild_id)
    member = guild.members.get(message.author.id)
    if member and message.webhook_id is None:
        found["member"] = member_json(view, member, with_user=False)
    for mention in found["mentions"]:
        mentioned = guild.members.get(int(mention["id"]))
        if mentioned:
            mention["member"] = member_json(view, mentioned, with_user=False)
    return found


def attachment_json(view: View, message: Message, attachment: Attachment) -> Json:
    url = (
        f"{view.cdn}/attachments/{message.channel_id}/{attachment.id}/{quote(attachment.filename)}"
    )
    found: Json = {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": len(attachment.content),
        "url": url,
        "proxy_url": url,
        "content_type": attachment.content_type,
    }
    if attachment.description is not None:
        found["description"] = attachment.description
    if attachment.size:
        found["width"], found["height"] = attachment.size
    if message.shown_only_to is not None:
        found["ephemeral"] = True
    return found


def emoji_json(emoji: str) -> Json:
    """Return a reaction's emoji; custom ones are written ``name:id``."""
    name, _, snowflake = emoji.partition(":")
    return {"id": snowflake or None, "name": name}


def _reaction_json(emoji: str, users_of: list[int], viewer_id: int) -> Json:
    return {
        "emoji": emoji_json(emoji),
        "count": len(users_of),
        "count_details": {"burst": 0, "normal": len(users_of)},
        "burst_colors": [],
        "me_burst": False,
        "me": viewer_id in users_of,
    }


def _add_origin(view: View, message: Message, found: Json) -> None:
    if message.nonce is not None:
        found["nonce"] = message.nonce
    if message.webhook_id is not None:
        found["webhook_id"] = str(message.webhook_id)
    if message.application_id is not None:
        found["application_id"] = str(message.application_id)
    interaction = view.world.interactions.get(message.interaction_id or 0)
    if interaction is None:
        return
    found["interaction_metadata"] = {
        "id": str(interaction.id),
        "type": interaction.type,
        "user": user_json(view.world.users[interaction.user_id]),
        "authorizing_integration_owners": {"0": str(interaction.guild_id or 0)},
    }
    if interaction.type == 3:
        found["interaction_metadata"]["interacted_message_id"] = str(interaction.message_id)
    if interaction.type == 5:
        trigger = found["interaction_metadata"] | {"type": 2}
        found["interaction_metadata"]["triggering_interaction_metadata"] = trigger


def _add_reference(view: View, message: Message, found: Json, *, with_reference: bool) -> None:
    assert message.reference
    channel_id, message_id = message.reference
    channel = view.world.channels.get(channel_id)
    found["message_reference"] = {
        "type": 0,
        "channel_id": str(channel_id),
        "message_id": str(message_id),
    }
    if channel is not None and channel.guild_id is not None:
        found["message_reference"]["guild_id"] = str(channel.guild_id)
    if with_reference:
        target = channel.messages.get(message_id) if channel else None
        found["referenced_message"] = _referenced(view, target) if target else None


def _referenced(view: View, target: Message) -> Json:
    found = message_json(view, target, with_reference=False)
    found.pop("reactions", None)
    return found
