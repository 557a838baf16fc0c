"""A character as the pipeline sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.domain.ids import PersonaId


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPreference:
    """What a character asks of the model; ``None`` or nothing leaves the setting."""

    model: str | None = None
    fallbacks: tuple[str, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceProfile:
    """How a character sounds; engines take what they understand."""

    engine: str | None = None
    voice: str | None = None
    speed: float = 1.0
    pitch: float = 0.0


_ADULT_TAGS = frozenset({"nsfw", "adult", "18+"})

InjectionRole = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthPrompt:
    """Text placed before the ``depth``-th newest message; 0 is after the newest."""

    prompt: str
    depth: int = 4
    role: InjectionRole = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionStep:
    """What a character gains once it has answered ``messages`` messages."""

    messages: int
    tone: str = ""
    quirks: tuple[str, ...] = ()
    knowledge: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """The text of a card, macros not yet filled in. Names follow ``chara_card_v3``.

    ``character_book`` and ``regex_scripts`` are as they stand in the card. ``creator``,
    ``creator_notes`` and ``character_version`` never belong in a prompt. ``talkativeness`` is the
    chance, 0 to 1, to speak unasked in a group. ``world`` names a linked lorebook.
    """

    name: str
    nickname: str = ""
    description: str = ""
    personality: str = ""
    scenario: str = ""
    first_mes: str = ""
    alternate_greetings: Sequence[str] = ()
    mes_example: str = ""
    system_prompt: str = ""
    post_history_instructions: str = ""
    creator_notes: str = ""
    tags: Sequence[str] = ()
    group_only_greetings: Sequence[str] = ()
    creator: str = ""
    character_version: str = ""
    talkativeness: float = 0.5
    depth_prompt: DepthPrompt | None = None
    world: str = ""
    character_book: Mapping[str, object] | None = None
    regex_scripts: Sequence[Mapping[str, object]] = ()

    @property
    def called(self) -> str:
        """What ``{{char}}`` becomes: the nickname if there is one."""
        return self.nickname or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A character that can take part in conversations.

    ``version`` changes whenever the card's content does. ``tools`` names the tools and areas of
    tools it may use: ``None`` all of them, an empty one none. ``knowledge`` names the document
    categories it draws on, ``frameworks`` weighs ways of answering (0 to 1), ``activities`` lists
    what it likes by kind of activity (game, stream, listen, watch), ``verbosity`` is the length of
    its answers in tokens (50 to 500), ``behaviors`` holds each behavior's own options.
    ``house_rules`` is what the place it speaks in asks of every character; a card has none.
    """

    id: PersonaId
    slug: str
    version: str
    character: Character
    aliases: tuple[str, ...] = ()
    voice: VoiceProfile = field(default_factory=VoiceProfile)
    model: ModelPreference = field(default_factory=ModelPreference)
    tools: tuple[str, ...] | None = None
    behaviors: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    knowledge: tuple[str, ...] = ()
    frameworks: Mapping[str, float] = field(default_factory=dict)
    evolution: tuple[EvolutionStep, ...] = ()
    activities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    verbosity: int | None = None
    extensions: Mapping[str, object] = field(default_factory=dict)
    house_rules: str = ""

    @property
    def adult(self) -> bool:
        """Whether the character is for places of adults only, by its card or one of its tags."""
        own = self.extensions.get("acore")
        if isinstance(own, Mapping) and own.get("adult") is True:
            return True
        return any(tag.strip().casefold() in _ADULT_TAGS for tag in self.character.tags)

    @property
    def name(self) -> str:
        """The name people see."""
        return self.character.called

    @property
    def names(self) -> tuple[str, ...]:
        """Every name the character answers to, the full one first."""
        seen = dict.fromkeys((self.character.name, self.name, *self.aliases))
        return tuple(name for name in seen if name)
