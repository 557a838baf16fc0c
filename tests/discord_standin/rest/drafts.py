"""Reads a message out of a request, as strictly as Discord reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tests.discord_standin import errors
from tests.discord_standin.actions.messages import Draft, Revision
from tests.discord_standin.entities import Attachment
from tests.discord_standin.payloads.components import shown_components, shown_embeds, walk
from tests.discord_standin.payloads.view import Json
from tests.discord_standin.rest.routing import Call, Upload

_LONGEST_CONTENT: Final = 2_000
_LONGEST_EMBEDS: Final = 6_000
_MOST_EMBEDS: Final = 10
_MOST_ROWS: Final = 5
_KEPT_FLAGS: Final = (1 << 2) | (1 << 6) | (1 << 12) | (1 << 15)
_COMPONENTS_V2: Final = 1 << 15


def draft_of(call: Call, fields: Json) -> Draft:
    """Return the message a request wants sent.

    Raises:
        DiscordError: it is empty, too long, or refers to a file that was not sent.
    """
    flags = int(fields.get("flags") or 0) & _KEPT_FLAGS
    content = (fields.get("content") or "").strip()
    embeds = fields.get("embeds") or []
    components = fields.get("components") or []
    _check(content, embeds, components, flags)
    attachments = new_attachments(call, fields.get("attachments"))
    if not (content or embeds or attachments or components or fields.get("sticker_ids")):
        raise errors.empty_message()
    return Draft(
        content=content,
        embeds=shown_embeds(embeds),
        components=shown_components(components),
        attachments=attachments,
        allowed_mentions=fields.get("allowed_mentions"),
        flags=flags,
        tts=bool(fields.get("tts")),
        nonce=fields.get("nonce"),
    )


def revision_of(call: Call, fields: Json, *, had: Sequence[Attachment]) -> Revision:
    """Return what a request wants changed; ``had`` are the attachments that may be kept."""
    content = fields.get("content", "") if "content" in fields else None
    embeds = (fields["embeds"] or []) if "embeds" in fields else None
    components = (fields["components"] or []) if "components" in fields else None
    _check(content or "", embeds or [], components or [], int(fields.get("flags") or 0))
    attachments: list[Attachment] | None = None
    if "attachments" in fields or call.files:
        listed = fields.get("attachments")
        kept_ids = {int(each["id"]) for each in listed or []}
        kept = [each for each in had if listed is None or each.id in kept_ids]
        attachments = kept + new_attachments(call, listed)
    return Revision(
        content=None if "content" not in fields else (content or "").strip(),
        embeds=None if embeds is None else shown_embeds(embeds),
        components=None if components is None else shown_components(components),
        attachments=attachments,
        allowed_mentions=fields.get("allowed_mentions"),
    )


def new_attachments(call: Call, listed: Iterable[Mapping[str, Any]] | None) -> list[Attachment]:
    """Return the uploaded files, with the names and descriptions the request gives them."""
    described = {int(each["id"]): each for each in listed or []}
    return [
        _attachment(call, upload, described.get(number, {}))
        for number, upload in sorted(call.files.items())
    ]


def _attachment(call: Call, upload: Upload, described: Mapping[str, Any]) -> Attachment:
    return Attachment(
        id=call.site.world.ids.next(),
        filename=described.get("filename") or upload.filename,
        content=upload.content,
        content_type=upload.content_type,
        description=described.get("description"),
    )


def _check(content: str, embeds: Sequence[Json], components: Sequence[Json], flags: int) -> None:
    if len(content) > _LONGEST_CONTENT:
        raise errors.invalid_form(
            "content", "BASE_TYPE_MAX_LENGTH", f"Must be {_LONGEST_CONTENT} or fewer in length."
        )
    if len(embeds) > _MOST_EMBEDS:
        raise errors.invalid_form(
            "embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {_MOST_EMBEDS} or fewer in length."
        )
    if sum(_embed_length(embed) for embed in embeds) > _LONGEST_EMBEDS:
        raise errors.invalid_form(
            "embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000"
        )
    if len(components) > _MOST_ROWS and not flags & _COMPONENTS_V2:
        raise errors.invalid_form(
            "components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length."
        )
    names = [each["custom_id"] for each in walk(components) if each.get("custom_id")]
    if len(names) != len(set(names)):
        raise errors.invalid_form(
            "components",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        )


def _embed_length(embed: Json) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts.append((embed.get("footer") or {}).get("text"))
    texts.append((embed.get("author") or {}).get("name"))
    for each in embed.get("fields") or []:
        texts += [each["name"], each["value"]]
    return sum(len(text) for text in texts if text)
