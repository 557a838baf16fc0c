"""The first answer to an interaction."""

from __future__ import annotations

from tests.discord_standin import errors
from tests.discord_standin.actions import messages as acts
from tests.discord_standin.actions.interactions import ANSWER_SECONDS, AnswerKind, Kind
from tests.discord_standin.entities import Interaction, Message
from tests.discord_standin.payloads.messages import message_json
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.rest.drafts import draft_of, revision_of
from tests.discord_standin.rest.routing import Answer, Call, Route
from tests.discord_standin.rest.webhook_messages import post_answer

_MESSAGES = (AnswerKind.MESSAGE, AnswerKind.DEFERRED_MESSAGE)
_UPDATES = (AnswerKind.DEFERRED_UPDATE, AnswerKind.UPDATE)


def answer(call: Call) -> Answer:
    interaction = _interaction(call)
    fields = call.fields
    if interaction.answer_type is not None:
        raise errors.already_acknowledged()
    kind = _kind(interaction, int(fields["type"]))
    data = fields.get("data") or {}
    message = _take(call, interaction, kind, data)
    interaction.answer_type = int(kind)
    interaction.answer_data = data
    call.site.changes.notify()
    if call.query.get("with_response", "").lower() not in ("1", "true"):
        return None
    return _callback_json(call, interaction, kind, message)


def _interaction(call: Call) -> Interaction:
    found = call.site.world.interactions.get(call.id("interaction_id"))
    if found is None or found.token != call.path["interaction_token"]:
        raise errors.unknown_interaction()
    if call.site.world.clock.monotonic() - found.created > ANSWER_SECONDS:
        raise errors.unknown_interaction()
    return found


def _kind(interaction: Interaction, number: int) -> AnswerKind:
    """Return the kind of answer, where this interaction takes it."""
    fits = {
        Kind.COMMAND: (*_MESSAGES, AnswerKind.MODAL),
        Kind.COMPONENT: (*_MESSAGES, *_UPDATES, AnswerKind.MODAL),
        Kind.AUTOCOMPLETE: (AnswerKind.CHOICES,),
        Kind.MODAL: (*_MESSAGES, *_UPDATES),
    }[Kind(interaction.type)]
    if number not in fits or (number in _UPDATES and interaction.message_id is None):
        raise errors.invalid_form(
            "type", "INTERACTION_APPLICATION_COMMAND_CALLBACK_TYPE", "Invalid callback type"
        )
    return AnswerKind(number)


def _take(call: Call, interaction: Interaction, kind: AnswerKind, data: Json) -> Message | None:
    if kind == AnswerKind.MESSAGE:
        message = post_answer(call, interaction, draft_of(call, data))
    elif kind == AnswerKind.DEFERRED_MESSAGE:
        flags = acts.LOADING | (int(data.get("flags") or 0) & acts.EPHEMERAL)
        message = post_answer(call, interaction, acts.Draft(flags=flags))
    elif kind in _UPDATES:
        message = _clicked(call, interaction)
        if kind == AnswerKind.UPDATE:
            acts.edit(call.site, message, revision_of(call, data, had=message.attachments))
    else:
        return None
    interaction.original_id = message.id
    return message


def _clicked(call: Call, interaction: Interaction) -> Message:
    channel = call.site.world.channels[interaction.channel_id]
    message = channel.messages.get(interaction.message_id or 0)
    if message is None:
        raise errors.unknown_message()
    return message


def _callback_json(
    call: Call, interaction: Interaction, kind: AnswerKind, message: Message | None
) -> Json:
    told: Json = {"id": str(interaction.id), "type": interaction.type}
    answered: Json = {"interaction": told}
    if message is None:
        return answered
    told["response_message_id"] = str(message.id)
    told["response_message_loading"] = bool(message.flags & acts.LOADING)
    told["response_message_ephemeral"] = message.shown_only_to is not None
    if kind in (AnswerKind.MESSAGE, AnswerKind.UPDATE):
        viewer = call.site.world.bot_of(interaction.application_id).user.id
        shown = message_json(call.site.view(viewer), message)
        answered["resource"] = {"type": int(kind), "message": shown}
    return answered


ROUTES = (
    Route(
        "POST",
        "/interactions/{interaction_id}/{interaction_token}/callback",
        answer,
        authorised=False,
    ),
)
