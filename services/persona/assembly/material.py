"""What a prompt is made of, before it is put in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal

from services.llm.model import PromptMessage, PromptRole

Kind = Literal["normal", "continue", "impersonate", "swipe", "regenerate", "quiet"]

NOTE_DEPTH = 4
"""Where the author's note, and lore around it, stands unless somebody says otherwise."""

CHAT = "chatHistory"
"""The source of what was said in the conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A message of the conversation: ``assistant`` is what the character said.

    ``ordinal`` is its number in the whole conversation, from 1, where only a part is at hand.
    ``at`` is when it was sent, in ISO 8601 or seconds since 1970, if known; ``hidden`` ones are
    for macros to know of only.
    """

    name: str
    role: Literal["user", "assistant", "system"]
    content: str
    ordinal: int | None = None
    at: str = ""
    hidden: bool = False


class NotePlace(StrEnum):
    """Where an author's note stands."""

    BEFORE_MAIN = "before_main"
    AFTER_MAIN = "after_main"
    IN_CHAT = "in_chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorsNote:
    """A note about the scene, shown in every ``interval``-th message of the user; 0 is never."""

    text: str
    place: NotePlace = NotePlace.IN_CHAT
    depth: int = NOTE_DEPTH
    role: PromptRole = PromptRole.SYSTEM
    interval: int = 1


class DescriptionPlace(StrEnum):
    """Where the description of the user's persona stands."""

    IN_PROMPT = "in_prompt"
    NOTE_TOP = "note_top"
    NOTE_BOTTOM = "note_bottom"
    AT_DEPTH = "at_depth"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDescription:
    """Who the user is in this conversation, in the user's own words."""

    text: str
    place: DescriptionPlace = DescriptionPlace.IN_PROMPT
    depth: int = 2
    role: PromptRole = PromptRole.SYSTEM


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthText:
    """Text for between the messages, before the ``depth``-th newest; 0 is after the newest."""

    depth: int
    role: PromptRole
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoreTexts:
    """What lorebooks add, each list top to bottom.

    ``personality`` and ``scenario`` join the card's own parts of those names.
    """

    before: Sequence[str] = ()
    after: Sequence[str] = ()
    note_top: Sequence[str] = ()
    note_bottom: Sequence[str] = ()
    examples_top: Sequence[str] = ()
    examples_bottom: Sequence[str] = ()
    at_depth: Sequence[DepthText] = ()
    personality: Sequence[str] = ()
    scenario: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutTexts:
    """The wording around the card's own: macros are filled in, an empty one adds nothing.

    ``main`` and ``post_history`` give way to the card's; ``personality`` and ``scenario`` frame the
    card's text, which is ``{{personality}}`` and ``{{scenario}}`` in them.
    """

    main: str = ""
    enhance: str = ""
    auxiliary: str = ""
    post_history: str = ""
    personality: str = "{{personality}}"
    scenario: str = "{{scenario}}"
    new_chat: str = ""
    new_group_chat: str = ""
    new_example: str = ""
    group_nudge: str = ""
    continue_nudge: str = ""
    impersonate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece(PromptMessage):
    """A message of the prompt in the making.

    ``ordinal`` is the number of a message of the conversation, from 1; 0 for anything else.
    """

    ordinal: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A block of example dialogue: as it is written, and as messages below their separator."""

    text: str
    messages: Sequence[Piece]


class InjectionOrder(IntEnum):
    """Who comes first among texts of one depth and role."""

    NOTE = 0
    CARD = 1
    USER = 2
    LORE = 3
    OTHER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """A text for between the messages, and whose it is."""

    depth: int
    role: PromptRole
    content: str
    source: str
    order: InjectionOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything a prompt can hold, macros filled in, nothing measured yet.

    ``world_`` parts and ``examples_top`` and ``examples_bottom`` are of lorebooks. ``history`` is
    oldest first; ``answered`` are the ordinals of what is answered in it. ``history_end`` follows
    the newest message, ``control`` follows everything. Examples are kept or left out whole.
    ``cut`` says that the conversation is longer than ``history``.
    """

    before_main: Sequence[Piece] = ()
    main: str = ""
    after_main: Sequence[Piece] = ()
    world_before: str = ""
    user_description: str = ""
    description: str = ""
    personality: str = ""
    world_personality: str = ""
    scenario: str = ""
    world_scenario: str = ""
    enhance: str = ""
    auxiliary: str = ""
    world_after: str = ""
    examples_top: Sequence[Example] = ()
    examples: Sequence[Example] = ()
    examples_bottom: Sequence[Example] = ()
    new_example: str = ""
    new_chat: str = ""
    history: Sequence[Piece] = ()
    answered: frozenset[int] = frozenset()
    cut: bool = False
    injections: Sequence[Injection] = field(default_factory=tuple)
    history_end: Sequence[Piece] = ()
    post_history: str = ""
    control: Sequence[Piece] = ()
