"""Answers in the chat of a voice channel that are spoken in its call as well."""

from __future__ import annotations

from collections.abc import Callable

from services.conversation.places import PlaceSettings
from services.domain.ids import ConversationId
from services.domain.replies import Delivery
from services.voice.service import VoiceService


class Aloud:
    """Dresses deliveries; ``voice`` returns what holds calls, ``None`` where voice is off."""

    def __init__(self, voice: Callable[[], VoiceService | None], places: PlaceSettings) -> None:
        self._voice = voice
        self._places = places

    async def typed(self, conversation: ConversationId, delivery: Delivery) -> Delivery:
        """Return how something typed is answered: spoken as well where the place wants that."""
        voice = self._voice()
        if voice is None or not (await self._places.of(conversation)).aloud:
            return delivery
        return voice.aloud(conversation, delivery)

    def unasked(self, conversation: ConversationId, delivery: Delivery | None) -> Delivery | None:
        """Return how something is said that nobody asked for: in a call, it is spoken."""
        voice = self._voice()
        if voice is None or voice.find(conversation) is None:
            return delivery
        return voice.aloud(conversation, delivery)
