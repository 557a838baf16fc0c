"""What has been chosen for a conversation: who answers, with which model, by which rules."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.conversation.inbound import Fired, Inbound
from services.conversation.manners import Manners
from services.conversation.place_rules import PlaceRules
from services.conversation.place_settings import MODEL, PERSONA
from services.conversation.places import PlaceSettings
from services.conversation.triggers import UNASKED, GateOverrides
from services.domain.errors import NotFound
from services.domain.ids import ConversationId, PersonaId
from services.domain.people import Author, Role
from services.people.scopes import Asker, Scope, ScopedSettings
from services.people.timezones import Timezones
from services.persona.character import Persona
from services.persona.library import CharacterLibrary
from services.persona.router import Routing, route
from services.settings import GateSettings

# One person at a terminal, often a script, cannot crowd others out.
_TERMINAL_LIMIT = 6000


class Choices:
    """Resolves and changes what holds in a place: thread, channel, then guild, then everywhere."""

    def __init__(
        self,
        *,
        places: PlaceSettings,
        scopes: ScopedSettings,
        library: CharacterLibrary,
        rng: random.Random,
        gate: GateSettings,
        timezones: Timezones,
    ) -> None:
        self._places = places
        self._scopes = scopes
        self._library = library
        self._rng = rng
        self._gate = gate
        self._timezones = timezones
        self._manners = Manners()
        self._admitted: tuple[Sequence[Persona], Sequence[Persona]] = ((), ())
        self.max_hops = gate.max_hops

    def reconfigure(self, gate: GateSettings) -> None:
        """Take over the limits that somebody has set."""
        self._gate = gate
        self._places.reconfigure(gate)

    async def rules(
        self, conversation: ConversationId, *, adults: bool | None = None
    ) -> PlaceRules:
        """Return what holds here; ``adults`` is what the platform says of the place just now."""
        if adults is None:
            return await self._places.of(conversation)
        return await self._places.note_adults(conversation, adults=adults)

    async def persona(self, conversation: ConversationId) -> Persona:
        """Return the character chosen here, else the default one."""
        return self.chosen(await self.rules(conversation))

    def chosen(self, rules: PlaceRules) -> Persona:
        """Return the character that ``rules`` choose, else the default one."""
        if rules.persona:
            try:
                return self._library.find(rules.persona)
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
        return (await self.rules(conversation)).model

    async def choose_model(
        self, conversation: ConversationId, name: str | None, *, by: Author, role: Role
    ) -> None:
        """Answer here with the model called ``name``; ``None`` goes back. ``NotAllowed``."""
        scope, asker = Scope.channel(conversation), _asker(by, role)
        if name is None:
            await self._scopes.unset(MODEL, scope, asker=asker)
        else:
            await self._scopes.set(MODEL, scope, name, asker=asker)

    def present(self, rules: PlaceRules) -> Sequence[Persona]:
        """Return the characters that may answer, the chosen one first.

        Those for adults are missing where they may not speak, but for the chosen one: whoever
        calls it should hear why it does not answer.
        """
        chosen = self.chosen(rules)
        everybody = self._library.all()
        if not rules.adults:
            if self._admitted[0] is not everybody:
                self._admitted = everybody, tuple(one for one in everybody if rules.admits(one))
            everybody = self._admitted[1]
        return [chosen, *(other for other in everybody if other.id != chosen.id)]

    def mannered(self, persona: Persona, rules: PlaceRules) -> Persona:
        """Return ``persona`` as it is to be in the place of ``rules``; see ``Manners``."""
        return self._manners.of(persona, rules)

    async def appearing(self, persona: Persona, conversation: ConversationId) -> Persona:
        """Return ``persona`` as it appears in a conversation."""
        return self.mannered(persona, await self.rules(conversation))

    async def timezone(self, asker: Author | None, rules: PlaceRules) -> str:
        """Return the zone to tell times in: the asker's, else the place's; empty for neither."""
        return await self._timezones.of_author(asker) or rules.timezone

    def overrides(
        self, conversation: ConversationId, rules: PlaceRules, now: datetime
    ) -> GateOverrides:
        """Return how the gate differs here; limits somebody has set hold on every platform."""
        overrides = GateOverrides(
            triggers=rules.triggers,
            keywords=rules.keywords,
            ambient_probability=rules.ambient_chance,
            answer_bots=rules.answer_bots,
            user_limit=rules.user_limit,
            channel_limit=rules.channel_limit,
            listen=rules.listens,
            quiet=rules.quiet(now),
        )
        if conversation.platform != "console":
            return overrides
        given = self._gate.model_fields_set
        return replace(
            overrides,
            user_limit=_at_terminal(rules.user_limit, set_="user_limit" in given),
            channel_limit=_at_terminal(rules.channel_limit, set_="channel_limit" in given),
        )

    async def route(
        self,
        inbound: Inbound,
        fired: Fired,
        present: Sequence[Persona],
        *,
        rules: PlaceRules,
        last_responder: tuple[PersonaId, float] | None,
    ) -> Routing:
        """Say who answers a message the gate has let through.

        In private the chosen character answers whatever other names are said. Joining in unasked
        falls to the talkative, unless somebody was chosen for the place. Nobody answers where
        only a character would that may not speak there.
        """
        if fired.trigger == "private" or inbound.addressing.private:
            present = present[:1]
        unasked = fired.trigger in UNASKED and not rules.persona
        routing = route(
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
        admitted = {persona.id for persona in present if rules.admits(persona)}
        return replace(routing, personas=tuple(p for p in routing.personas if p in admitted))


def _at_terminal(chosen: int | None, *, set_: bool) -> int | None:
    return chosen if chosen is not None or set_ else _TERMINAL_LIMIT


def _asker(by: Author, role: Role) -> Asker:
    return Asker(account=by.id, role=role, person=by.person)
