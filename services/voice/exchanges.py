"""From decided turns to answers: one exchange with the conversation core at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.conversation.inbound import Addressing, Inbound, Outcome, Receipt
from services.conversation.service import ConversationService
from services.domain.clock import Clock
from services.domain.errors import AcoreError
from services.domain.ids import AuthorId, ConversationId, IdSource, MessageId, PersonaId
from services.domain.messages import Message, Modality, TextPart
from services.domain.people import Author, Role
from services.domain.replies import Delivery, InterruptReason, TurnFailed
from services.voice.listening.events import TurnDecided
from services.voice.turns.floor import Floor, Grant

logger = logging.getLogger(__name__)

_MOST_WAITING = 64


@dataclass(slots=True)
class Exchange:
    """A turn that was granted the floor, and what became of it."""

    turn: TurnDecided
    message: MessageId
    external_id: str
    receipt: Receipt | None = None
    over: bool = False
    turns: set[int] = field(default_factory=set)


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


class Exchanges:
    """Hands turns to the conversation core as the floor grants them.

    What was not meant for the bot is handed over as overheard. ``on_outcome`` hears one sentence
    for people when an answer fails, ``None`` when one was given. All work happens in ``run``, in
    order.
    """

    def __init__(
        self,
        conversations: ConversationService,
        place: Place,
        *,
        floor: Floor,
        clock: Clock,
        ids: IdSource,
        on_outcome: Callable[[str | None], None],
    ) -> None:
        self._conversations = conversations
        self._place = place
        self._floor = floor
        self._clock = clock
        self._ids = ids
        self._on_outcome = on_outcome
        self._call = ids.new()
        self._current: Exchange | None = None
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(_MOST_WAITING)

    @property
    def current(self) -> Exchange | None:
        """The exchange that has the floor."""
        return self._current

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            work = await self._work.get()
            try:
                await work()
            except AcoreError as error:
                logger.warning("a spoken turn was not taken in", extra={"code": error.code})
                self._on_outcome(error.user_message)

    def answers(self, turn: int, /) -> bool:
        """Say whether the turn of that number is being answered."""
        return self._current is not None and turn in self._current.turns

    def owns(self, message: MessageId | None, /) -> bool:
        """Say whether the message is the one that has the floor."""
        return self._current is not None and self._current.message == message

    def overhear(self, turn: TurnDecided, /) -> None:
        """Hand over what was said to somebody else."""
        self._do(lambda: self._overheard(turn))

    def answer(self, turn: TurnDecided, /) -> None:
        """Let a turn be answered when the floor allows."""
        grant = self._floor.offer(turn)
        if grant is not None:
            self._begin(grant)

    def insist(self, turn: TurnDecided, /) -> None:
        """Let a turn be answered now, in place of the one that has the floor."""
        self._floor.vacate()
        self._current = None
        self.answer(turn)

    def correct(self, turn: TurnDecided, /, *, unchanged: Callable[[], None]) -> None:
        """Let the present exchange be about the longer turn that continues it.

        ``unchanged`` is called when there is nothing to begin anew.
        """
        exchange = self._current
        if exchange is None or exchange.over:
            self.answer(turn)
            return
        exchange.turn = turn
        exchange.turns.add(turn.turn)
        self._do(lambda: self._corrected(exchange, turn, unchanged))

    def stop(self, reason: InterruptReason = InterruptReason.BARGE_IN) -> bool:
        """End the answer that runs, keeping what was heard; ``False`` when none does."""
        return self._conversations.stop(self._place.conversation, reason)

    def give_floor(self) -> None:
        """Let the turn that waited be answered, when nobody has the floor any more."""
        grant = self._floor.release(at=self._clock.monotonic())
        if grant is not None:
            self._begin(grant)

    def _begin(self, grant: Grant) -> None:
        for missed in grant.missed:
            self.overhear(missed)
        turn = grant.turn
        exchange = Exchange(
            turn=turn,
            message=MessageId(self._ids.new()),
            external_id=f"voice-{self._call}-{turn.turn}",
            turns={turn.turn},
        )
        self._current = exchange
        self._do(lambda: self._post(exchange))

    async def _post(self, exchange: Exchange) -> None:
        turn = exchange.turn
        message = self._message(turn, exchange.message, exchange.external_id)
        try:
            exchange.receipt = await self._conversations.receive(
                self._inbound(message, addressed=True)
            )
        except AcoreError:
            self._over(exchange)
            raise
        exchange.receipt.then(lambda outcome: self._settled(exchange, outcome))

    async def _corrected(
        self, exchange: Exchange, turn: TurnDecided, unchanged: Callable[[], None]
    ) -> None:
        changed = await self._conversations.corrected(
            self._place.conversation, exchange.external_id, turn.text, by=turn.speaker
        )
        if not changed:
            unchanged()

    async def _overheard(self, turn: TurnDecided) -> None:
        identifier = MessageId(self._ids.new())
        message = self._message(turn, identifier, f"voice-{self._call}-{turn.turn}")
        await self._conversations.receive(self._inbound(message, addressed=False))

    def _message(self, turn: TurnDecided, identifier: MessageId, external_id: str) -> Message:
        return Message(
            id=identifier,
            conversation=self._place.conversation,
            author=turn.speaker,
            parts=(TextPart(text=turn.text),),
            created_at=self._clock.now(),
            modality=Modality.VOICE,
            external_ids=(external_id,),
        )

    def _inbound(self, message: Message, *, addressed: bool) -> Inbound:
        return Inbound(
            message=message,
            delivery=self._place.delivery,
            addressing=Addressing(private=addressed, heard=True),
            role=self._place.role(message.author),
            witnesses=self._place.present(),
            adults=self._place.adults,
        )

    def _settled(self, exchange: Exchange, outcome: Outcome | BaseException) -> None:
        if isinstance(outcome, AcoreError):
            self._on_outcome(outcome.user_message)
        elif isinstance(outcome, Outcome):
            self._tell(outcome)
        self._over(exchange)

    def _tell(self, outcome: Outcome) -> None:
        failures = [each for each in outcome.terminals if isinstance(each, TurnFailed)]
        refused = outcome.withheld
        if failures:
            self._on_outcome(failures[-1].user_message)
        elif outcome.terminals:
            self._on_outcome(None)
        elif refused is not None and refused.notify and refused.detail:
            self._on_outcome(refused.detail)

    def _over(self, exchange: Exchange) -> None:
        exchange.over = True
        if self._current is exchange:
            self._current = None
            self.give_floor()

    def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            self._work.put_nowait(work)
        except asyncio.QueueFull:
            logger.warning("spoken turns come faster than they are taken in")
