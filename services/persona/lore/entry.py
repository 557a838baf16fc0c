"""Lorebooks and their entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum

Uid = int | float | str

DEFAULT_DEPTH = 4
DEFAULT_ORDER = 100
DEFAULT_WEIGHT = 100


class Position(IntEnum):
    """Where an entry's text goes, with SillyTavern's numbers."""

    BEFORE = 0
    AFTER = 1
    NOTE_TOP = 2
    NOTE_BOTTOM = 3
    AT_DEPTH = 4
    EXAMPLES_TOP = 5
    EXAMPLES_BOTTOM = 6
    OUTLET = 7


class Logic(IntEnum):
    """What the secondary keys have to do once a primary key matched."""

    AND_ANY = 0
    NOT_ALL = 1
    NOT_ANY = 2
    AND_ALL = 3


class Role(IntEnum):
    """Whose message an entry at a depth becomes."""

    SYSTEM = 0
    USER = 1
    ASSISTANT = 2


class Scope(StrEnum):
    """What a book belongs to."""

    GLOBAL = "global"
    CHARACTER = "character"
    CHAT = "chat"
    PERSONA = "persona"
    USER = "user"


class Source(Enum):
    """Texts beside the chat that an entry may ask to be searched, in the order they are."""

    PERSONA_DESCRIPTION = "persona_description"
    CHARACTER_DESCRIPTION = "character_description"
    PERSONALITY = "personality"
    DEPTH_PROMPT = "depth_prompt"
    SCENARIO = "scenario"
    CREATOR_NOTES = "creator_notes"


class BookForm(StrEnum):
    """The format a book came in."""

    SILLYTAVERN = "sillytavern"
    CARD = "card"
    LOREBOOK_V3 = "lorebook_v3"
    AGNAI = "agnai"
    KOBOLD = "kobold"


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterFilter:
    """For which characters an entry is there; names and tags both have to agree."""

    exclude: bool = False
    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoreEntry:
    """One entry of a lorebook.

    ``None`` in ``scan_depth``, ``case_sensitive``, ``match_whole_words`` and
    ``use_group_scoring`` means what the scan is set to. ``position`` outside ``Position`` is
    placed nowhere. ``delay_until_recursion`` is a level, 0 for none. ``sticky``, ``cooldown`` and
    ``delay`` count messages. ``priority`` says who stays when a V3 book's own budget is short, the
    highest first. ``raw`` is the entry as it was read, with what nobody here knows.
    """

    uid: Uid
    keys: tuple[str, ...] = ()
    secondary_keys: tuple[str, ...] = ()
    comment: str = ""
    content: str = ""
    constant: bool = False
    vectorized: bool = False
    selective: bool = True
    logic: int = Logic.AND_ANY
    order: float = DEFAULT_ORDER
    position: int = Position.BEFORE
    disabled: bool = False
    exclude_recursion: bool = False
    prevent_recursion: bool = False
    delay_until_recursion: float = 0
    probability: float = 100
    use_probability: bool = True
    depth: int = DEFAULT_DEPTH
    group: str = ""
    group_override: bool = False
    group_weight: float = DEFAULT_WEIGHT
    scan_depth: int | None = None
    case_sensitive: bool | None = None
    match_whole_words: bool | None = None
    use_group_scoring: bool | None = None
    automation_id: str = ""
    role: int = Role.SYSTEM
    sticky: float = 0
    cooldown: float = 0
    delay: float = 0
    character_filter: CharacterFilter = CharacterFilter()
    ignore_budget: bool = False
    outlet_name: str = ""
    sources: frozenset[Source] = frozenset()
    triggers: frozenset[str] = frozenset()
    priority: float = 0
    raw: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Lorebook:
    """Entries that belong together, in their order. Two books are the same if they are one object.

    ``scan_depth``, ``token_budget`` and ``recursive_scanning`` are what a V2 or V3 book asks for;
    they count by V3's rules only. ``raw`` is the book as it was read.
    """

    name: str
    scope: Scope = Scope.GLOBAL
    entries: tuple[LoreEntry, ...] = ()
    form: BookForm = BookForm.SILLYTAVERN
    scan_depth: int | None = None
    token_budget: int | None = None
    recursive_scanning: bool | None = None
    raw: Mapping[str, object] = field(default_factory=dict)
