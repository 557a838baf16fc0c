"""Emojis an application owns: pictures the CDN serves for as long as they are kept.

https://discord.com/developers/docs/resources/emoji
"""

from __future__ import annotations

import re
from typing import Final

from tests.discord_standin import errors
from tests.discord_standin.entities import Emoji
from tests.discord_standin.payloads.emojis import emoji_json
from tests.discord_standin.rest.images import content_type_of, image_in
from tests.discord_standin.rest.routing import Answer, Call, Route

MOST_BYTES: Final = 256 * 1024
_MOST_EMOJIS: Final = 2_000
_NAME = re.compile(r"[A-Za-z0-9_]+")


def of_application(call: Call) -> Answer:
    return {"items": [emoji_json(call.view, emoji) for emoji in _own(call)]}


def create(call: Call) -> Answer:
    own = _own(call)
    name = _checked_name(call, own)
    image = image_in(call.fields.get("image"), field="image", most_bytes=MOST_BYTES)
    if len(own) >= _MOST_EMOJIS:
        raise errors.too_many_emojis()
    emoji = Emoji(
        id=call.site.world.ids.next(),
        application_id=call.caller.application_id,
        name=name,
        image=image,
        content_type=content_type_of(image) or "image/png",
        creator_id=call.user.id,
    )
    call.site.world.emojis[emoji.id] = emoji
    return emoji_json(call.view, emoji)


def fetch(call: Call) -> Answer:
    return emoji_json(call.view, _emoji(call))


def rename(call: Call) -> Answer:
    emoji = _emoji(call)
    if "name" in call.fields:
        emoji.name = _checked_name(call, [each for each in _own(call) if each is not emoji])
    return emoji_json(call.view, emoji)


def delete(call: Call) -> Answer:
    del call.site.world.emojis[_emoji(call).id]
    return None


def _own(call: Call) -> list[Emoji]:
    if call.id("application_id") != call.caller.application_id:
        raise errors.not_yours()
    return call.site.world.emojis_of(call.caller.application_id)


def _emoji(call: Call) -> Emoji:
    wanted = call.id("emoji_id")
    found = next((each for each in _own(call) if each.id == wanted), None)
    if found is None:
        raise errors.unknown_emoji()
    return found


def _checked_name(call: Call, others: list[Emoji]) -> str:
    name = str(call.fields.get("name") or "")
    if not 2 <= len(name) <= 32:
        raise errors.invalid_form(
            "name", "BASE_TYPE_BAD_LENGTH", "Must be between 2 and 32 in length."
        )
    if not _NAME.fullmatch(name):
        raise errors.invalid_form(
            "name", "STRING_TYPE_REGEX", "String value did not match validation regex."
        )
    if any(each.name == name for each in others):
        raise errors.invalid_form(
            "name", "APPLICATION_EMOJI_NAME_ALREADY_TAKEN", "An emoji with that name exists."
        )
    return name


_ALL = "/applications/{application_id}/emojis"
_ONE = _ALL + "/{emoji_id}"

ROUTES = (
    Route("GET", _ALL, of_application),
    Route("POST", _ALL, create, status=201),
    Route("GET", _ONE, fetch),
    Route("PATCH", _ONE, rename),
    Route("DELETE", _ONE, delete),
)
