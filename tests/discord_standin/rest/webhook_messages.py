"""What is posted with a webhook's token, or with an interaction's, which works like one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.discord_standin import errors
from tests.discord_standin.actions import messages as acts
from tests.discord_standin.actions.interactions import TOKEN_SECONDS
from tests.discord_standin.actions.threads import start_thread
from tests.discord_standin.entities import Channel, ChannelType, Interaction, Message, Webhook
from tests.discord_standin.payloads.messages import message_json
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.rest.drafts import draft_of, revision_of
from tests.discord_standin.rest.routing import Answer, Call
from tests.discord_standin.rest.webhook_names import checked_name

_TRUE: Final = ("true", "1")


def execute(call: Call) -> Answer:
    interaction = interaction_of(call)
    if interaction:
        return _shown(call, follow_up(call, interaction))
    webhook = webhook_of(call)
    fields = call.fields
    draft = draft_of(call, fields)
    name = checked_name(fields.get("username") or webhook.name, field="username")
    avatar = webhook.avatar
    if fields.get("avatar_url"):
        avatar = call.site.world.add_avatar(str(fields["avatar_url"]))
    message = acts.post(
        call.site,
        _destination(call, webhook, fields),
        acts.webhook_author(webhook.id, name, avatar),
        replace(draft, webhook_id=webhook.id, application_id=webhook.application_id),
    )
    return _shown(call, message) if call.query.get("wait", "").lower() in _TRUE else None


def fetch(call: Call) -> Answer:
    return _shown(call, _message(call))


def edit(call: Call) -> Answer:
    message = _message(call)
    revision = revision_of(call, call.fields, had=message.attachments)
    acts.edit(call.site, message, replace(revision, flags=message.flags & ~acts.LOADING))
    return _shown(call, message)


def delete(call: Call) -> Answer:
    acts.delete(call.site, _message(call))
    return None


def follow_up(call: Call, interaction: Interaction) -> Message:
    """Post after the first answer; the first one after a deferral takes its place."""
    if interaction.answer_type is None:
        raise errors.unknown_webhook()
    channel = call.site.world.channels[interaction.channel_id]
    original = channel.messages.get(interaction.original_id or 0)
    draft = draft_of(call, call.fields)
    if original and original.flags & acts.LOADING:
        return acts.edit(
            call.site,
            original,
            acts.Revision(
                content=draft.content,
                embeds=draft.embeds,
                components=draft.components,
                attachments=draft.attachments,
                flags=original.flags & ~acts.LOADING,
                allowed_mentions=draft.allowed_mentions,
            ),
        )
    message = post_answer(call, interaction, draft)
    interaction.followups.append(message.id)
    return message


def post_answer(call: Call, interaction: Interaction, draft: acts.Draft) -> Message:
    """Post a message that belongs to an interaction."""
    bot = call.site.world.bot_of(interaction.application_id)
    hidden = draft.flags & acts.EPHEMERAL
    return acts.post(
        call.site,
        call.site.world.channels[interaction.channel_id],
        bot.user,
        replace(
            draft,
            webhook_id=interaction.application_id,
            application_id=interaction.application_id,
            interaction_id=interaction.id,
            shown_only_to=interaction.user_id if hidden else None,
        ),
    )


def interaction_of(call: Call) -> Interaction | None:
    """Return the interaction whose token the path carries, if it is one.

    Raises:
        DiscordError: the token is older than fifteen minutes.
    """
    interaction = call.site.world.interaction_with(call.path["webhook_token"])
    if interaction is None or interaction.application_id != call.id("webhook_id"):
        return None
    if call.site.world.clock.monotonic() - interaction.created > TOKEN_SECONDS:
        raise errors.invalid_webhook_token()
    return interaction


def webhook_of(call: Call) -> Webhook:
    """Return the webhook of the path's id and token."""
    webhook = call.site.world.webhooks.get(call.id("webhook_id"))
    if webhook is None:
        raise errors.unknown_webhook()
    if webhook.token != call.path["webhook_token"]:
        raise errors.invalid_webhook_token()
    return webhook


def _message(call: Call) -> Message:
    world = call.site.world
    interaction = interaction_of(call)
    if interaction:
        name = call.path.get("message_id")
        wanted = interaction.original_id if name is None else call.id("message_id")
        found = world.channels[interaction.channel_id].messages.get(wanted or 0)
        owner = interaction.application_id
    else:
        webhook = webhook_of(call)
        channel = _destination(call, webhook, {})
        found = channel.messages.get(call.id("message_id"))
        owner = webhook.id
    if found is None or found.webhook_id != owner:
        raise errors.unknown_message()
    return found


def _destination(call: Call, webhook: Webhook, fields: Json) -> Channel:
    channel = call.site.world.channels[webhook.channel_id]
    if "thread_id" in call.query:
        thread = call.site.world.channels.get(int(call.query["thread_id"]))
        if thread is None or thread.parent_id != channel.id:
            raise errors.unknown_channel()
        return thread
    if channel.type != ChannelType.FORUM:
        if fields.get("thread_name"):
            raise errors.DiscordError(
                400, 220003, "Webhooks can only create threads in forum channels"
            )
        return channel
    if call.path.get("message_id"):
        raise errors.unknown_message()
    if not fields.get("thread_name"):
        raise errors.DiscordError(
            400,
            220001,
            "Webhooks posted to forum channels must have a thread_name or thread_id",
        )
    author = acts.webhook_author(webhook.id, webhook.name, webhook.avatar)
    return start_thread(call.site, channel, author, fields["thread_name"])


def _shown(call: Call, message: Message) -> Json:
    application = message.application_id
    viewer = call.site.world.bot_of(application).user.id if application else 0
    return message_json(call.site.view(viewer), message)
