"""From what people say to answers: one exchange with the conversation core at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.conversation.inbound import Addressing, Inbound, Outcome
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
    """What somebody said that has the floor, and its answer.

    ``turns`` are the numbers of the turns it is made of. ``agreed`` is its text as it was last
    decided, ``None`` while it is only presumed that its speaker has finished; an ``outcome`` until
    then is waiting to be told.
    """

    speaker: Author
    message: MessageId
    external_id: str
    text: str
    turns: set[int]
    agreed: str | None = None
    certain: asyncio.Event = field(default_factory=asyncio.Event)
    outcome: Outcome | BaseException | None = None
    over: bool = False


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
    """Hands what is said to the conversation core as the floor grants it.

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

    def answers(self, turn: int | None, /) -> bool:
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

    def presume(self, turn: int, speaker: Author, text: str, /) -> bool:
        """Begin the answer to a turn that is probably over; ``False`` when the floor is taken.

        ``agree`` or ``withdraw`` has to follow. Until then no tool runs.
        """
        if not self._floor.reserve(turn):
            return False
        self._post(self._exchange(turn, speaker, text))
        return True

    def revise(self, turn: int, text: str, /) -> None:
        """Let the present answer be to ``text``, with which ``turn`` goes on, presumably."""
        exchange = self._current
        if exchange is None:
            return
        exchange.turns.add(turn)
        if exchange.text != text:
            exchange.text = text
            self._do(lambda: self._correct(exchange, text, _nothing))

    def agree(self, turn: TurnDecided, /, *, then: Callable[[bool], None]) -> None:
        """Let the present answer be to ``turn`` for good.

        ``then`` is called with whether the answer goes on as it is, once that is sure.
        """
        exchange = self._current
        if exchange is None:
            return
        self._floor.offer(turn)
        exchange.turns.add(turn.turn)
        exchange.agreed = turn.text
        exchange.certain.set()
        if exchange.outcome is not None:
            then(False)
            self._settle(exchange, exchange.outcome)
            return
        if exchange.text == turn.text:
            then(True)
            return
        exchange.text = turn.text
        self._do(lambda: self._correct(exchange, turn.text, then))

    def withdraw(self, turn: int, /, *, then: Callable[[bool], None]) -> None:
        """Undo what was presumed with ``turn``, which came to nothing.

        ``then`` is called with whether an answer goes on as it is, once that is sure.
        """
        exchange = self._current
        if exchange is None:
            return
        agreed = exchange.agreed
        if agreed is None:
            self._current = None
            exchange.over = True
            self._do(lambda: self._withdraw(exchange, then))
            self.give_floor()
        elif agreed != exchange.text:
            exchange.text = agreed
            self._do(lambda: self._correct(exchange, agreed, then))
        else:
            then(True)

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
        exchange = self._exchange(turn.turn, turn.speaker, turn.text)
        exchange.agreed = turn.text
        exchange.certain.set()
        self._post(exchange)

    def _exchange(self, turn: int, speaker: Author, text: str) -> Exchange:
        return Exchange(
            speaker=speaker,
            message=MessageId(self._ids.new()),
            external_id=self._external_id(turn),
            text=text,
            turns={turn},
        )

    def _post(self, exchange: Exchange) -> None:
        self._current = exchange
        self._do(lambda: self._receive(exchange, exchange.text))

    async def _receive(self, exchange: Exchange, text: str) -> None:
        if exchange.over:
            return
        message = self._message(exchange, text)
        try:
            receipt = await self._conversations.receive(
                self._inbound(message, addressed=True, certain=exchange.certain)
            )
        except AcoreError as error:
            self._settled(exchange, error)
            return
        receipt.then(lambda outcome: self._settled(exchange, outcome))

    async def _correct(self, exchange: Exchange, text: str, then: Callable[[bool], None]) -> None:
        changed = await self._conversations.corrected(
            self._place.conversation, exchange.external_id, text, by=exchange.speaker
        )
        then(not changed)

    async def _withdraw(self, exchange: Exchange, then: Callable[[bool], None]) -> None:
        await self._conversations.withdrawn(self._place.conversation, [exchange.external_id])
        then(False)

    async def _overheard(self, turn: TurnDecided) -> None:
        exchange = self._exchange(turn.turn, turn.speaker, turn.text)
        message = self._message(exchange, turn.text)
        await self._conversations.receive(self._inbound(message, addressed=False))

    def _external_id(self, turn: int) -> str:
        return f"voice-{self._call}-{turn}"

    def _message(self, exchange: Exchange, text: str) -> Message:
        return Message(
            id=exchange.message,
            conversation=self._place.conversation,
            author=exchange.speaker,
            parts=(TextPart(text=text),),
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

    def _settled(self, exchange: Exchange, outcome: Outcome | BaseException) -> None:
        if exchange.agreed is None and not exchange.over:
            exchange.outcome = outcome
        else:
            self._settle(exchange, outcome)

    def _settle(self, exchange: Exchange, outcome: Outcome | BaseException) -> None:
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


def _nothing(_: bool) -> None:  # noqa: FBT001  a callback's argument
    """Do nothing."""
