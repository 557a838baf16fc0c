"""What people are to the characters they talk to: names and descriptions of their own making."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import ConversationId, PersonaId

MOST_PERSONAS = 50
MOST_CHARACTERS = 10_000
MOST_BINDINGS = 500
LONGEST_NAME = 60
DEEPEST = 1000


class PersonaPlace(StrEnum):
    """Where a description stands in prompts."""

    IN_PROMPT = "in_prompt"
    NOTE_TOP = "note_top"
    NOTE_BOTTOM = "note_bottom"
    AT_DEPTH = "at_depth"
    NOWHERE = "nowhere"


class PersonaRole(StrEnum):
    """In whose voice a description at a depth speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class BindingKind(StrEnum):
    """What a persona can be bound to."""

    CONVERSATION = "conversation"
    CHARACTER = "character"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPersona:
    """Somebody a person is; ``depth`` and ``role`` count where it stands ``AT_DEPTH``."""

    id: str
    name: str
    created_at: datetime
    description: str = ""
    place: PersonaPlace = PersonaPlace.IN_PROMPT
    depth: int = 2
    role: PersonaRole = PersonaRole.SYSTEM
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a persona holds: in a conversation or with a character."""

    kind: BindingKind
    target: str

    @classmethod
    def here(cls, conversation: ConversationId) -> Binding:
        """In one conversation."""
        return cls(BindingKind.CONVERSATION, str(conversation))

    @classmethod
    def with_character(cls, persona: PersonaId) -> Binding:
        """Wherever the person talks to one character."""
        return cls(BindingKind.CHARACTER, persona)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaChange:
    """What is to be different about a persona; ``None`` leaves it."""

    name: str | None = None
    description: str | None = None
    place: PersonaPlace | None = None
    depth: int | None = None
    role: PersonaRole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All personas of one account, the oldest first, and where they hold (binding to id).

    The methods return changed profiles; they raise ``NotFound`` for an unknown name and
    ``InvalidRequest`` for what does not fit.
    """

    personas: tuple[UserPersona, ...] = ()
    bindings: Mapping[Binding, str] = field(default_factory=dict)

    def find(self, name: str) -> UserPersona:
        """Return the persona called ``name``, in any case."""
        for one in self.personas:
            if one.name.casefold() == name.strip().casefold():
                return one
        listed = ", ".join(one.name for one in self.personas) or "none"
        raise NotFound(
            "user_persona", f"You have no persona called {name[:LONGEST_NAME]}; you have: {listed}."
        )

    def holding(self, conversation: ConversationId, persona: PersonaId) -> UserPersona | None:
        """Return who the account is to ``persona`` in ``conversation``.

        What is bound to the conversation outweighs what is bound to the character, that the
        default one; ``None`` is the account itself.
        """
        by_id = {one.id: one for one in self.personas}
        for binding in (Binding.here(conversation), Binding.with_character(persona)):
            bound = by_id.get(self.bindings.get(binding, ""))
            if bound is not None:
                return bound
        return next((one for one in self.personas if one.is_default), None)

    def added(self, persona: UserPersona) -> Profile:
        """Add a persona after the others."""
        if len(self.personas) >= MOST_PERSONAS:
            raise InvalidRequest(
                "user_persona_limit",
                f"You have {MOST_PERSONAS} personas, which is the most; remove one first.",
            )
        self._check(persona)
        return replace(self, personas=(*self.personas, persona))

    def edited(self, name: str, change: PersonaChange) -> Profile:
        """Change the persona called ``name``."""
        old = self.find(name)
        text = change.description
        new = replace(
            old,
            name=old.name if change.name is None else change.name.strip(),
            description=old.description if text is None else text.strip(),
            place=change.place or old.place,
            depth=old.depth if change.depth is None else change.depth,
            role=change.role or old.role,
        )
        self._check(new)
        personas = tuple(new if one.id == old.id else one for one in self.personas)
        return replace(self, personas=personas)

    def used(self, name: str, binding: Binding | None) -> Profile:
        """Let the persona called ``name`` hold where ``binding`` says, without one by default."""
        persona = self.find(name)
        if binding is None:
            personas = (replace(one, is_default=one.id == persona.id) for one in self.personas)
            return replace(self, personas=tuple(personas))
        if binding not in self.bindings and len(self.bindings) >= MOST_BINDINGS:
            raise InvalidRequest(
                "user_persona_bindings",
                "Your personas are bound to too many places; remove one that is not needed.",
            )
        return replace(self, bindings={**self.bindings, binding: persona.id})

    def released(self, binding: Binding | None) -> Profile:
        """Let no persona hold where ``binding`` says, without one by default."""
        if binding is None:
            return replace(
                self, personas=tuple(replace(one, is_default=False) for one in self.personas)
            )
        kept = {key: one for key, one in self.bindings.items() if key != binding}
        return replace(self, bindings=kept)

    def removed(self, name: str) -> Profile:
        """Remove the persona called ``name`` and what binds it."""
        gone = self.find(name)
        return Profile(
            personas=tuple(one for one in self.personas if one.id != gone.id),
            bindings={key: one for key, one in self.bindings.items() if one != gone.id},
        )

    def as_json(self) -> list[dict[str, object]]:
        """Return the personas as JSON values, each with where it holds."""
        return [
            {
                "name": one.name,
                "description": one.description,
                "place": one.place.value,
                "depth": one.depth,
                "role": one.role.value,
                "default": one.is_default,
                "created_at": one.created_at.isoformat(),
                "bindings": [
                    {"kind": binding.kind.value, "target": binding.target}
                    for binding, identity in self.bindings.items()
                    if identity == one.id
                ],
            }
            for one in self.personas
        ]

    def _check(self, persona: UserPersona) -> None:
        """Refuse what does not fit, or a name another persona of the account has."""
        name = persona.name
        if not name or len(name) > LONGEST_NAME or not name.isprintable() or ":" in name:
            raise InvalidRequest(
                "user_persona_name",
                f"A persona's name has 1 to {LONGEST_NAME} characters, on one line and without a "
                "colon.",
            )
        others = [one for one in self.personas if one.id != persona.id]
        if any(one.name.casefold() == name.casefold() for one in others):
            raise InvalidRequest("user_persona_taken", f"You have a persona called {name} already.")
        if len(persona.description) > MOST_CHARACTERS:
            raise InvalidRequest(
                "user_persona_long",
                f"That description has {len(persona.description):,} characters; "
                f"{MOST_CHARACTERS:,} are the most. Please shorten it.",
            )
        if not 0 <= persona.depth <= DEEPEST:
            raise InvalidRequest("user_persona_depth", f"A depth lies between 0 and {DEEPEST}.")
