"""Scenes: conversations in which several characters take part."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from services.conversation.inbound import Inbound
from services.conversation.witnesses import known_of
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import ConversationId, PersonaId
from services.domain.messages import HistoryEntry
from services.domain.people import Author, AuthorKind, Role
from services.people.scopes import Asker, Scope, ScopedSetting, ScopedSettings, ScopeKind
from services.persona.activation import Activation, Occasion, activate
from services.persona.character import Persona
from services.persona.library import CharacterLibrary
from services.persona.router import Routing

MOST_MEMBERS = 8


class CardMode(StrEnum):
    """Whose card a prompt holds: SWAP, only the speaker's; JOIN, those of all, in scene order."""

    SWAP = "swap"
    JOIN = "join"


class SceneMemory(StrEnum):
    """What characters know: WITNESS, what was said while they were there; SHARED, everything."""

    WITNESS = "witness"
    SHARED = "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Who takes part in a conversation and how they take turns, as it is stored.

    Without ``members`` no scene is open, and only ``memory`` has a meaning.
    """

    members: tuple[PersonaId, ...] = ()
    mode: Activation = Activation.NATURAL
    cards: CardMode = CardMode.SWAP
    self_reply: bool = False
    memory: SceneMemory = SceneMemory.WITNESS


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneChange:
    """What is to be different; ``None`` leaves it. ``join`` and ``leave`` are names."""

    join: str | None = None
    leave: str | None = None
    mode: Activation | None = None
    cards: CardMode | None = None
    self_reply: bool | None = None
    memory: SceneMemory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """A scene with its characters, in its order; those whose card is gone are missing."""

    scene: Scene = field(default_factory=Scene)
    members: tuple[Persona, ...] = ()

    @property
    def open(self) -> bool:
        """Whether a scene is open; somebody may be in it whose card is gone."""
        return bool(self.scene.members)

    @property
    def group(self) -> tuple[str, ...]:
        """The names of all members where there are several, as prompts list them."""
        return tuple(one.name for one in self.members) if len(self.members) > 1 else ()

    @property
    def joined(self) -> bool:
        """Whether prompts hold the cards of all members."""
        return bool(self.group) and self.scene.cards is CardMode.JOIN

    def seen_by(self, persona: Persona) -> Cast:
        """Return the cast as ``persona`` finds it: nobody where it does not take part."""
        return self if persona in self.members else Cast(scene=replace(self.scene, members=()))

    def known(self, history: Sequence[HistoryEntry], persona: PersonaId) -> list[HistoryEntry]:
        """Return what ``persona`` knows of ``history``."""
        if self.scene.memory is SceneMemory.SHARED:
            return list(history)
        return known_of(history, persona)


NO_CAST = Cast()
"""The cast of a conversation without a scene."""

SCENE: ScopedSetting[Scene] = ScopedSetting(
    "conversation.scene", Scene, default=Scene(), scopes=frozenset({ScopeKind.CHANNEL})
)


class Scenes:
    """Keeps the scene of each conversation and says who speaks in it."""

    def __init__(
        self, *, scopes: ScopedSettings, library: CharacterLibrary, rng: random.Random
    ) -> None:
        self._scopes = scopes
        self._library = library
        self._rng = rng

    async def of(self, conversation: ConversationId) -> Cast:
        """Return who takes part here."""
        scene = await self._scopes.resolve(SCENE, conversation=conversation)
        found = (self._library.get(member) for member in scene.members)
        return Cast(scene=scene, members=tuple(one for one in found if one is not None))

    async def change(
        self,
        conversation: ConversationId,
        change: SceneChange,
        *,
        by: Author,
        role: Role,
        private: bool = False,
    ) -> Cast:
        """Change the scene, opening it when the first character joins.

        It takes a moderator, or in a ``private`` place the person there. Joining twice or leaving
        twice changes nothing. Raises ``NotAllowed``, ``NotFound``, ``InvalidRequest``.
        """
        if role < Role.MODERATOR and not private:
            raise NotAllowed("scene_permission", "Only moderators may change the scene here.")
        scene = (await self.of(conversation)).scene
        changed = self._changed(scene, change)
        if changed != scene:
            asker = Asker(account=by.id, role=max(role, Role.MODERATOR), person=by.person)
            await self._scopes.set(SCENE, Scope.channel(conversation), changed, asker=asker)
        return await self.of(conversation)

    def answering(self, inbound: Inbound, cast: Cast, history: Sequence[HistoryEntry]) -> Routing:
        """Say who answers a message; ``history`` is oldest first and ends with it."""
        addressing = inbound.addressing
        replied = {addressing.replies_to} if addressing.replies_to else set()
        occasion = Occasion(
            text=inbound.message.text,
            called=addressing.mentions | replied,
            speaker=inbound.message.author.persona,
            spoken=_spoken(history),
        )
        return self._activated(cast, occasion, cast.scene.mode)

    def asked(self, name: str, cast: Cast, history: Sequence[HistoryEntry]) -> Routing:
        """Say who speaks when somebody is asked to; without a ``name`` the scene decides.

        Raises ``NotFound`` for somebody who does not take part, and where nobody does.
        """
        if name:
            persona = self.member(cast, name)
            return Routing(
                personas=(persona.id,), reason="asked", detail=f"{persona.name} was asked to"
            )
        last = history[-1].message.author.persona if history else None
        occasion = Occasion(speaker=last, spoken=_spoken(history))
        mode = cast.scene.mode
        if mode is Activation.MANUAL:
            mode = Activation.POOLED
        routing = self._activated(cast, occasion, mode)
        if not routing.personas:
            raise NotFound("scene_nobody", "Nobody here can speak now; /scene list shows who is.")
        return routing

    def _activated(self, cast: Cast, occasion: Occasion, mode: Activation) -> Routing:
        return activate(
            cast.members,
            occasion,
            mode=mode,
            self_reply=cast.scene.self_reply,
            rng=self._rng,
        )

    def member(self, cast: Cast, name: str) -> Persona:
        """Return the member called ``name``, by whole name or any word of it.

        Raises ``NotFound`` naming those who take part.
        """
        wanted = name.strip().casefold()
        for one in cast.members:
            if wanted in {known.casefold() for known in (one.slug, *one.names)}:
                return one
        for one in cast.members:
            if wanted in {word.casefold() for known in one.names for word in known.split()}:
                return one
        listed = ", ".join(one.name for one in cast.members) or "nobody"
        raise NotFound(
            "scene_member", f"{name[:60]} does not take part in the scene; taking part: {listed}."
        )

    def _changed(self, scene: Scene, change: SceneChange) -> Scene:
        members = scene.members
        if change.join is not None:
            persona = self._library.find(change.join).id
            if persona not in members:
                members = (*members, persona)
            if len(members) > MOST_MEMBERS:
                raise InvalidRequest(
                    "scene_full",
                    f"A scene holds {MOST_MEMBERS} characters; let one leave first.",
                )
        if change.leave is not None:
            gone = self._leaving(scene, change.leave)
            members = tuple(one for one in members if one != gone)
        return Scene(
            members=members,
            mode=scene.mode if change.mode is None else change.mode,
            cards=scene.cards if change.cards is None else change.cards,
            self_reply=scene.self_reply if change.self_reply is None else change.self_reply,
            memory=scene.memory if change.memory is None else change.memory,
        )

    def _leaving(self, scene: Scene, name: str) -> PersonaId:
        """Return whose name it is; one whose card is gone leaves by its id."""
        wanted = name.strip()
        if wanted in scene.members:
            return PersonaId(wanted)
        return self._library.find(wanted).id


def _spoken(history: Sequence[HistoryEntry]) -> frozenset[PersonaId]:
    """Return the characters that have spoken since a person did."""
    spoken = set()
    for entry in reversed(history):
        author = entry.message.author
        if author.kind is AuthorKind.HUMAN:
            break
        if author.persona is not None:
            spoken.add(author.persona)
    return frozenset(spoken)
