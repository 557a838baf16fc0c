"""What has been chosen for a conversation: who answers, with which model, what is remembered."""

from __future__ import annotations

import random
from collections.abc import Sequence

from services.conversation.inbound import Fired, Inbound
from services.domain.errors import NotFound
from services.domain.ids import ConversationId, PersonaId
from services.domain.people import Author
from services.people.scopes import ScopedSetting, ScopedSettings
from services.persona.character import Persona
from services.persona.library import CharacterLibrary
from services.persona.router import Routing, route
from services.settings import GateSettings

PERSONA = ScopedSetting("conversation.persona", str, default="")
MODEL = ScopedSetting("conversation.model", str, default="")
REMEMBER = ScopedSetting("conversation.remember", bool, default=False)


class Choices:
    """Resolves the settings of a place, each user > channel or room > guild > global."""

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
        self.max_hops = gate.max_hops
