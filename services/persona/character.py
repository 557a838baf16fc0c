"""A character as the pipeline sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """The text of a card, macros not yet filled in. Names follow ``chara_card_v3``."""

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

    @property
    def called(self) -> str:
        """What ``{{char}}`` becomes: the nickname if there is one."""
        return self.nickname or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A character that can take part in conversations.

    ``version`` changes whenever the card's content does. ``tools`` names the tools it may use;
    ``None`` permits none.
    """

    id: PersonaId
    slug: str
    version: str
    character: Character
    aliases: tuple[str, ...] = ()
    voice: VoiceProfile = field(default_factory=VoiceProfile)
    model: ModelPreference = field(default_factory=ModelPreference)
    tools: tuple[str, ...] = ()
    extensions: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name people see."""
        return self.character.called

    @property
    def names(self) -> tuple[str, ...]:
        """Every name the character answers to, the full one first."""
        seen = dict.fromkeys((self.character.name, self.name, *self.aliases))
        return tuple(name for name in seen if name)
