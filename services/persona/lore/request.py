"""What a scan is asked and what it is set to."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from services.persona.lore.effects import NO_EFFECTS, TimedEffects
from services.persona.lore.entry import Lorebook, Source

Decorators = Literal["auto", "sillytavern", "v3"]
CountTokens = Callable[[str], int]
ExpandMacros = Callable[[str], str]


class Strategy(IntEnum):
    """How the character's and the global books share the first places, as SillyTavern numbers."""

    EVENLY = 0
    CHARACTER_FIRST = 1
    GLOBAL_FIRST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSettings:
    """Settings of a scan; defaults are those SillyTavern ships.

    ``budget`` is in tokens, ``None`` sets no limit. ``max_recursion_steps`` counts all passes, the
    first included; 0 sets no limit, as it does for ``min_activations_depth_max``. ``decorators``
    says by which rules books are read: SillyTavern's, which knows two ``@@`` lines, V3's, or, with
    ``auto``, V3's for ``lorebook_v3`` files and SillyTavern's for all others.
    """

    scan_depth: int = 2
    budget: int | None = None
    recursive: bool = True
    case_sensitive: bool = False
    match_whole_words: bool = True
    include_names: bool = True
    max_recursion_steps: int = 0
    min_activations: int = 0
    min_activations_depth_max: int = 0
    use_group_scoring: bool = False
    strategy: Strategy = Strategy.CHARACTER_FIRST
    decorators: Decorators = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """One message as scans see it; ``role`` matters to V3 decorators only."""

    name: str = ""
    content: str = ""
    role: str = ""

    def told(self, *, named: bool) -> str:
        """Return what is searched, with the name before it if it is ``named``."""
        return f"{self.name}: {self.content}" if named and self.name else self.content


def _unchanged(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """Everything one scan depends on.

    ``chat`` is oldest first. ``character_names`` are the names an entry's character filter may
    use. ``vectorized`` are entries activated by their meaning, as (book, uid as text). ``expand``
    fills in macros of keys and contents, in the order in which they are needed. ``greeting`` and
    ``user_icon`` are for V3 decorators; ``None`` means they cannot be told. Timed effects are
    counted in messages of ``chat``.
    """

    books: Sequence[Lorebook]
    chat: Sequence[ChatLine]
    count_tokens: CountTokens
    rng: random.Random
    settings: ScanSettings = ScanSettings()
    expand: ExpandMacros = _unchanged
    injected: Sequence[str] = ()
    sources: Mapping[Source, str] = field(default_factory=dict)
    character_names: frozenset[str] = frozenset()
    character_tags: frozenset[str] = frozenset()
    trigger: str = "normal"
    vectorized: frozenset[tuple[str, str]] = frozenset()
    timed: TimedEffects = NO_EFFECTS
    greeting: int | None = None
    user_icon: str | None = None

    @property
    def replies(self) -> int:
        """How many messages the assistant has written."""
        return sum(line.role == "assistant" for line in self.chat)
