"""Interactions from a person's deed to the bot's answer.

https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from tests.discord_standin.entities import Channel, Interaction, Message, User
from tests.discord_standin.payloads.channels import channel_json
from tests.discord_standin.payloads.messages import event_message_json
from tests.discord_standin.payloads.users import member_json, user_json
from tests.discord_standin.payloads.view import Json, View
from tests.discord_standin.permissions import granted
from tests.discord_standin.site import Site

ANSWER_SECONDS: Final = 3.0
TOKEN_SECONDS: Final = 900.0
_MOST_KEPT: Final = 10_000


class Kind(IntEnum):
    """What a person did."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class AnswerKind(IntEnum):
    """How a bot answers."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


def begin(
    site: Site,
    application_id: int,
    person: User,
    channel: Channel,
    *,
    kind: Kind,
    data: Json,
    message: Message | None = None,
) -> Interaction:
    """Tell the application what a person did."""
    world = site.world
    snowflake = world.ids.next()
    interaction = Interaction(
        id=snowflake,
        type=int(kind),
        token=f"aW50ZXJhY3Rpb24{snowflake:x}",
        application_id=application_id,
        user_id=person.id,
        channel_id=channel.id,
        guild_id=channel.guild_id,
        data=data,
        created=world.clock.monotonic(),
        message_id=message.id if message else None,
    )
    world.interactions[snowflake] = interaction
    while len(world.interactions) > _MOST_KEPT:
        del world.interactions[next(iter(world.interactions))]
    site.gateway.tell(
        "INTERACTION_CREATE",
        lambda view: interaction_json(view, interaction, message),
        guild_id=channel.guild_id,
        only=application_id,
    )
    return interaction


def interaction_json(view: View, interaction: Interaction, message: Message | None) -> Json:
    """Return what INTERACTION_CREATE carries."""
    world = view.world
    channel = world.channels[interaction.channel_id]
    person = world.users[interaction.user_id]
    in_guild = interaction.guild_id is not None
    permissions = str(int(granted(world, person.id, channel)))
    told: Json = {
        "id": str(interaction.id),
        "application_id": str(interaction.application_id),
        "type": interaction.type,
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": channel_json(view, channel) | {"permissions": permissions},
        "app_permissions": str(int(granted(world, view.viewer_id, channel))),
        "locale": person.locale,
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(interaction.guild_id or 0)},
        "context": 0 if in_guild else 1,
        "attachment_size_limit": 10 * 1024 * 1024,
    }
    if interaction.guild_id is not None:
        guild = world.guilds[interaction.guild_id]
        member = member_json(view, guild.members[person.id]) | {"permissions": permissions}
        told |= {
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "features": [], "locale": "en-US"},
            "guild_locale": "en-US",
            "member": member,
        }
    else:
        told["user"] = user_json(person)
    if message is not None:
        told["message"] = event_message_json(view, message)
    return told
