"""Who sits at the terminal, and where they talk."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, AuthorKind

if TYPE_CHECKING:
    from services.settings import Settings


def person_here(settings: Settings) -> Author:
    """Return the account of whoever is logged in; the settings may give it another name."""
    try:
        login = getpass.getuser()
    except (KeyError, OSError):
        login = "user"
    return Author(
        id=AuthorId("console", login),
        display_name=settings.persona.user_name or login,
        kind=AuthorKind.HUMAN,
    )


def conversation_here(settings: Settings, chosen: str | None) -> ConversationId:
    """Return the chosen conversation or the usual one; raises ``InvalidRequest`` if malformed."""
    return ConversationId.parse(chosen or settings.console.conversation)
