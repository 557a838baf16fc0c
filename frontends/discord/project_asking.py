"""Who asks for something about projects."""

from __future__ import annotations

from frontends.discord.asking import Asked, arrived
from frontends.discord.confirming import Interaction
from services.projects.rules import Asker


def asker_of(who: Asked) -> Asker:
    """Return whoever asks, with the role that changes are made with."""
    return Asker(author=who.author, role=who.here, conversation=who.conversation)


async def asker_from(interaction: Interaction) -> Asker:
    """Return whoever uses a command or button; see ``arrived`` for what it raises."""
    return asker_of(await arrived(interaction))
