"""Who may do what with projects, and what may be written in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from services.domain.errors import InvalidRequest, NotAllowed
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, Role
from services.memory.scope import place_of

LONGEST_TITLE = 100
"""Characters of a title or task."""
LONGEST_DESCRIPTION = 500
"""Characters of the description of a project or idea."""
LONGEST_TAGS = 100
"""Characters of all tags as they are typed, with commas between them."""
LONGEST_NOTE = 1000
"""Characters of a note."""

_KEPT_CONTROLS = frozenset("\n\t")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who wants something, with which role, and where; nothing beyond that place is ever found."""

    author: Author
    role: Role
    conversation: ConversationId

    @property
    def account(self) -> AuthorId:
        """The account that asks."""
        return self.author.id

    @property
    def place(self) -> str:
        """The guild, or what is as private as the conversation."""
        return place_of(self.conversation)

    @property
    def is_private(self) -> bool:
        """Whether the conversation is a place of its own."""
        return self.place == str(self.conversation)

    def need_member(self) -> None:
        """Raise ``NotAllowed`` for guests."""
        if self.role < Role.MEMBER:
            raise NotAllowed("project_member", "Only members may do that here.")

    def need_among(self, allowed: Collection[AuthorId | None], who: str) -> None:
        """Raise ``NotAllowed`` unless the account is among ``allowed`` or a moderator's."""
        if self.role >= Role.MODERATOR:
            return
        self.need_member()
        if self.account not in allowed:
            raise NotAllowed("project_owner", f"Only {who} or a moderator may do that.")


def one_line(text: str, *, longest: int, what: str) -> str:
    """Return ``text`` on one line without control characters.

    Raises ``InvalidRequest`` when nothing is left of it or more than ``longest`` characters.
    """
    return _checked(" ".join(_visible(text).split()), longest=longest, what=what)


def lines_of(text: str, *, longest: int, what: str, needed: bool = False) -> str:
    """Return ``text`` without control characters; empty is fine unless it is ``needed``."""
    clean = _visible(text).strip()
    return clean if not clean and not needed else _checked(clean, longest=longest, what=what)


def tags_of(text: str) -> tuple[str, ...]:
    """Return the tags in ``text``, which stand between commas, each once."""
    if len(text) > LONGEST_TAGS:
        raise InvalidRequest("project_tags", f"Tags may have {LONGEST_TAGS} characters together.")
    tags = (" ".join(_visible(tag).split()).lstrip("#") for tag in text.split(","))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _checked(text: str, *, longest: int, what: str) -> str:
    if not text:
        raise InvalidRequest("project_text", f"{what} needs some words.")
    if len(text) > longest:
        raise InvalidRequest("project_text", f"{what} may have at most {longest} characters.")
    return text


def _visible(text: str) -> str:
    return "".join(
        letter
        for letter in text.replace("\r\n", "\n")
        if letter in _KEPT_CONTROLS
        or letter == "\u200d"  # joins emoji
        or unicodedata.category(letter) not in _INVISIBLE
    )
