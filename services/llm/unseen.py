"""Messages for models that cannot see the pictures in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.llm.model import PromptMessage

UNSEEN = "(There is a picture here that you cannot see.)"


def without_pictures(messages: Sequence[PromptMessage]) -> Sequence[PromptMessage]:
    """Return ``messages`` with a remark in place of pictures, so that none are made up."""
    if not any(message.images for message in messages):
        return messages
    return [
        replace(message, content=f"{message.content}\n{UNSEEN}".strip(), images=())
        if message.images
        else message
        for message in messages
    ]
