"""JSON of the emojis applications own."""

from __future__ import annotations

from tests.discord_standin.entities import Emoji
from tests.discord_standin.payloads.users import user_json
from tests.discord_standin.payloads.view import Json, View


def emoji_json(view: View, emoji: Emoji) -> Json:
    """Return an emoji as its application sees it."""
    return {
        "id": str(emoji.id),
        "name": emoji.name,
        "user": user_json(view.world.users[emoji.creator_id]),
        "roles": [],
        "require_colons": True,
        "managed": False,
        "animated": emoji.content_type == "image/gif",
        "available": True,
    }
