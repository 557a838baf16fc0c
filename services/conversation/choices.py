"""What has been chosen for a conversation: who answers, with which model, what is remembered."""

from __future__ import annotations

import random
from collections.abc import Sequence

from services.conversation.inbound import Fired, Inbound
from services.conversation.triggers import GateOverrides
from services.domain.errors import NotFound
from services.domain.ids import ConversationId, PersonaId
from services.domain.people import Author, Role
from services.people.scopes import Asker, Scope, ScopedSetting, ScopedSettings
from services.persona.character import Persona
from services.persona.library import CharacterLibrary
from services.persona.router import Routing, route
from services.settings import GateSettings

PERSONA = ScopedSetting("conversation.persona", str, default="")
MODEL = ScopedSetting("conversation.model", str, default="")
REMEMBER = ScopedSetting("conversation.remember", bool, default=False)

_UNASKED = frozenset({"contextual", "ambient"})
# One person at a terminal, often a script, cannot crowd others out.
_TERMINAL_LIMIT = 6000


class Choices:
    """Resolves and changes what holds in a place: channel or room, then guild, then everywhere."""

    def __init__(
        self,
        *,
        scopes: ScopedSettings,
        library: CharacterLibrary,
        rng: random.Random,
        gate: GateSettings,
    ) -> None:
        self._scopes = scopes
        self._library = library
        self._rng = rng
        self._gate = gate
        self.max_hops = gate.max_hops

    def reconfigure(self, gate: GateSettings) -> None:
        """Take over the limits that somebody has set."""
        self._gate = gate

    async def persona(self, conversation: ConversationId) -> Persona:
        """Return the character chosen here, else the default one."""
        name = await self._scopes.resolve(PERSONA, conversation=conversation)
        if name:
            try:
                return self._library.find(name)
            except NotFound:  # the chosen card has been taken away
                pass
        return self._library.default()

    async def choose_persona(
        self, conversation: ConversationId, name: str, *, by: Author, role: Role
    ) -> Persona:
        """Let the character called ``name`` answer here. Raises ``NotFound``, ``NotAllowed``."""
        persona = self._library.find(name)
        await self._scopes.set(
            PERSONA, Scope.channel(conversation), persona.slug, asker=_asker(by, role)
        )
        return persona

    async def model(self, conversation: ConversationId) -> str | None:
        """Return the model chosen here; ``None`` is the configured one."""
        return await self._scopes.resolve(MODEL, conversation=conversation) or None

    async def choose_model(
        self, conversation: ConversationId, name: str | None, *, by: Author, role: Role
    ) -> None:
        """Answer here with the model called ``name``; ``None`` goes back. ``NotAllowed``."""
        scope, asker = Scope.channel(conversation), _asker(by, role)
        if name is None:
            await self._scopes.unset(MODEL, scope, asker=asker)
        else:
            await self._scopes.set(MODEL, scope, name, asker=asker)

    async def remembers(self, conversation: ConversationId) -> bool:
        """Tell whether chatter addressed to nobody is stored here."""
        return await self._scopes.resolve(REMEMBER, conversation=conversation)

    async def present(self, conversation: ConversationId) -> Sequence[Persona]:
        """Return the characters that may answer here, the chosen one first."""
        chosen = await self.persona(conversation)
        return [chosen, *(other for other in self._library.all() if other.id != chosen.id)]

    def overrides(self, conversation: ConversationId) -> GateOverrides:
        """Return how the gate differs here; limits somebody has set hold on every platform."""
        if conversation.platform != "console":
            return GateOverrides()
        chosen = self._gate.model_fields_set
        return GateOverrides(
            user_limit=None if "user_limit" in chosen else _TERMINAL_LIMIT,
            channel_limit=None if "channel_limit" in chosen else _TERMINAL_LIMIT,
        )

    async def route(
        self,
        inbound: Inbound,
        fired: Fired,
        present: Sequence[Persona],
        *,
        last_responder: tuple[PersonaId, float] | None,
    ) -> Routing:
        """Say who answers a message the gate has let through.

        In private the chosen character answers whatever other names are said. Joining in unasked
        falls to the talkative, unless somebody was chosen for the place.
        """
        if fired.trigger == "private" or inbound.addressing.private:
            present = present[:1]
        chosen = await self._scopes.resolve(PERSONA, conversation=inbound.message.conversation)
        unasked = fired.trigger in _UNASKED and not chosen
        return route(
            inbound.message.text,
            present,
            rng=self._rng,
            mentioned=inbound.addressing.mentions,
            replied_to=inbound.addressing.replies_to,
            last_responder=last_responder,
            default=present[0].id if present else None,
            weights={
                persona.id: persona.character.talkativeness if unasked else 0.0
                for persona in present
            },
            activity=inbound.addressing.activity,
        )


def _asker(by: Author, role: Role) -> Asker:
    return Asker(account=by.id, role=role, person=by.person)
