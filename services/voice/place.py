"""Where a call happens, as the conversation core knows it, and how it is told what is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.conversation.inbound import Addressing, Inbound, Receipt
from services.conversation.service import ConversationService
from services.domain.clock import Clock
from services.domain.ids import AuthorId, ConversationId, PersonaId
from services.domain.messages import Message, Modality, TextPart
from services.domain.people import Author, Role
from services.domain.replies import Delivery, InterruptReason
from services.voice.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a call happens, as the conversation core knows it.

    ``present`` names who hears what is said; ``role`` what an account may do.
    """

    conversation: ConversationId
    delivery: Delivery
    role: Callable[[Author], Role]
    present: Callable[[], frozenset[AuthorId | PersonaId]]
    adults: bool = False


class Telling:
    """Tells the conversation core what is said in a place, as exchanges."""

    def __init__(self, conversations: ConversationService, place: Place, *, clock: Clock) -> None:
        self._conversations = conversations
        self._place = place
        self._clock = clock
        self._cut = False

    async def ask(self, exchange: Exchange, /) -> Receipt:
        """Hand over what is to be answered, after an answer that was stopped is stored.

        Raises ``AcoreError``.
        """
        message = self._message(exchange)
        if self._cut:
            self._cut = False
            await self._conversations.hush({self._place.conversation})
        return await self._conversations.receive(
            self._inbound(message, addressed=True, certain=exchange.certain)
        )

    async def mention(self, exchange: Exchange, /) -> None:
        """Hand over what was said to somebody else. Raises ``AcoreError``."""
        message = self._message(exchange)
        await self._conversations.receive(self._inbound(message, addressed=False))

    async def correct(self, exchange: Exchange, text: str, /) -> bool:
        """Let what was handed over read ``text``; ``False`` when it does. Raises ``AcoreError``."""
        return await self._conversations.corrected(
            self._place.conversation, exchange.external_id, text, by=exchange.speaker
        )

    async def withdraw(self, exchange: Exchange, /) -> None:
        """Take back what was handed over. Raises ``AcoreError``."""
        await self._conversations.withdrawn(self._place.conversation, [exchange.external_id])

    def stop(self, reason: InterruptReason, /) -> bool:
        """End the answer that runs, keeping what was heard; ``False`` when none does."""
        self._cut = self._conversations.stop(self._place.conversation, reason)
        return self._cut

    def _message(self, exchange: Exchange) -> Message:
        return Message(
            id=exchange.message,
            conversation=self._place.conversation,
            author=exchange.speaker,
            parts=(TextPart(text=exchange.text),),
            created_at=self._clock.now(),
            modality=Modality.VOICE,
            external_ids=(exchange.external_id,),
        )

    def _inbound(
        self, message: Message, *, addressed: bool, certain: asyncio.Event | None = None
    ) -> Inbound:
        return Inbound(
            message=message,
            delivery=self._place.delivery,
            addressing=Addressing(private=addressed, heard=True),
            role=self._place.role(message.author),
            witnesses=self._place.present(),
            adults=self._place.adults,
            certain=certain,
        )
