"""From what people say to answers: one exchange with the conversation core at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from services.conversation.inbound import Addressing, Inbound, Outcome
from services.conversation.service import ConversationService
from services.domain.clock import Clock
from services.domain.errors import AcoreError, Busy
from services.domain.ids import AuthorId, ConversationId, IdSource, MessageId, PersonaId
from services.domain.messages import Message, Modality, TextPart
from services.domain.people import Author, Role
from services.domain.replies import (
    Delivery,
    InterruptReason,
    Terminal,
    TurnBrief,
    TurnFailed,
    TurnInterrupted,
)
from services.voice.certain_sinks import Attempt
from services.voice.listening.events import TurnDecided
from services.voice.turns.floor import Floor, Grant

logger = logging.getLogger(__name__)

_MOST_WAITING = 64
_MOST_SPARE = 32
_LEAVING_SECONDS = 2.0


@dataclass(slots=True, eq=False)
class Exchange:
    """What somebody said that has the floor, and its answer.

    ``turns`` are the numbers of the turns it is made of. ``agreed`` is its text as it was last
    decided, ``None`` while it is only presumed that its speaker has finished; an ``outcome`` until
    then is waiting to be told. ``text`` is what the answer is to, once as many corrections as
    ``correcting`` says are made; ``continued`` says that its speaker goes on.
    """

    speaker: Author
    message: MessageId
    external_id: str
    text: str
    turns: set[int]
    agreed: str | None = None
    certain: asyncio.Event = field(default_factory=asyncio.Event)
    attempt: Attempt = field(init=False)
    outcome: Outcome | BaseException | None = None
    correcting: int = 0
    continued: bool = False
    over: bool = False

    def __post_init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Let what is answered from now on be another attempt."""
        self.attempt = Attempt(self.certain)

    @property
    def unsure(self) -> bool:
        """Whether an answer may still turn out to be to something else."""
        return self.agreed is None or self.correcting > 0 or self.continued


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


class ExchangeWatcher(Protocol):
    """Whoever lets answers sound; called on the loop, must be quick."""

    def outcome(self, failure: str | None, /) -> None:
        """An answer failed, with one sentence for people, or was given (``None``)."""
        ...

    def unsure(self, unsure: bool, /) -> None:  # noqa: FBT001  it is the news
        """No answer to what people say may sound from now on, or it may again."""
        ...

    def void(self, exchange: Exchange, /) -> None:
        """The answer that is made ready now is not to what was said; it must never sound."""
        ...


class Exchanges:
    """Hands what is said to the conversation core as the floor grants it.

    What was not meant for the bot is handed over as overheard. All work happens in ``run``, in
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
        watcher: ExchangeWatcher,
    ) -> None:
        self._conversations = conversations
        self._place = place
        self._floor = floor
        self._clock = clock
        self._ids = ids
        self._watcher = watcher
        self._current: Exchange | None = None
        self._cut = False
        self._withdrawing: list[Exchange] = []
        self._unsure = False
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
                self._watcher.outcome(error.user_message)
            except Exception:  # the next turn must be taken in
                logger.exception("a spoken turn was not taken in")

    async def close(self) -> None:
        """Take back what was only presumed, once ``run`` has ended; what is agreed goes on."""
        exchange = self._current
        left = [*self._withdrawing]
        if exchange is not None and exchange.agreed is None:
            left.append(exchange)
        self._current = None
        for each in left:
            each.over = True
            try:
                async with asyncio.timeout(_LEAVING_SECONDS):
                    await self._conversations.withdrawn(
                        self._place.conversation, [each.external_id]
                    )
            except (AcoreError, TimeoutError):
                logger.warning("what was presumed in a call could not be taken back")
            finally:
                each.certain.set()

    def answers(self, turn: int | None, /) -> bool:
        """Say whether the turn of that number is being answered."""
        return self._current is not None and turn in self._current.turns

    def behind(self, turn: TurnBrief, /) -> Exchange | None:
        """Return what a turn of the conversation answers, if that was said in the call."""
        answered = {message.id for message in (turn.trigger, *turn.burst) if message is not None}
        known = [*self._withdrawing, *filter(None, [self._current])]
        return next((one for one in reversed(known) if one.message in answered), None)

    def overhear(self, turn: TurnDecided, /) -> None:
        """Hand over what was said to somebody else."""
        self._do(lambda: self._overheard(turn), spare=True)

    def answer(self, turn: TurnDecided, /) -> None:
        """Let a turn be answered when the floor allows."""
        grant = self._floor.offer(turn)
        if grant is not None:
            self._begin(grant)

    def insist(self, turn: TurnDecided, /) -> None:
        """Let a turn be answered now, in place of the one that has the floor."""
        if self._current is not None and self._current.agreed is None:
            self._take_back(self._current)
        self._floor.vacate()
        self._current = None
        self.answer(turn)
        self._look()

    def presume(self, turn: int, speaker: Author, text: str, /) -> bool:
        """Begin the answer to a turn that is probably over; ``False`` when the floor is taken.

        ``agree`` or ``withdraw`` has to follow. Until then no tool runs.
        """
        if not self._floor.reserve(turn):
            return False
        self._post(self._exchange(turn, speaker, text))
        return True

    def go_on(self, turn: int | None, /) -> None:
        """Note that somebody goes on with the turn of that number, perhaps the one answered."""
        if self._current is not None and self.answers(turn):
            self._current.continued = True
            self._look()

    def revise(self, turn: int, text: str, /) -> None:
        """Let the present answer be to ``text``, with which ``turn`` goes on, presumably."""
        exchange = self._current
        if exchange is not None:
            exchange.turns.add(turn)
            self._answer_to(exchange, text, spare=True)

    def agree(self, turn: TurnDecided, /) -> None:
        """Let the present answer be to ``turn`` for good."""
        exchange = self._current
        if exchange is None:
            return
        grant = self._floor.offer(turn)
        for missed in () if grant is None else grant.missed:
            self.overhear(missed)
        exchange.turns.add(turn.turn)
        exchange.agreed = turn.text
        exchange.continued = False
        if exchange.outcome is not None:
            self._settle(exchange, exchange.outcome)
            return
        self._answer_to(exchange, turn.text)

    def withdraw(self, turn: int, /) -> None:
        """Undo what was presumed with ``turn``, which came to nothing."""
        exchange = self._current
        if exchange is None:
            return
        if exchange.agreed is None:
            self._current = None
            self._take_back(exchange)
            self.give_floor()
            self._look()
        else:
            exchange.continued = False
            self._answer_to(exchange, exchange.agreed)

    def stop(self, reason: InterruptReason = InterruptReason.BARGE_IN) -> bool:
        """End the answer that runs, keeping what was heard; ``False`` when none does."""
        self._cut = self._conversations.stop(self._place.conversation, reason)
        return self._cut

    def give_floor(self) -> None:
        """Let the turn that waited be answered, when nobody has the floor any more."""
        if self._current is not None:
            return
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
        message = MessageId(self._ids.new())
        return Exchange(
            speaker=speaker,
            message=message,
            external_id=f"voice-{message}",
            text=text,
            turns={turn},
        )

    def _post(self, exchange: Exchange) -> None:
        self._current = exchange
        self._look()
        if not self._do(lambda: self._receive(exchange)):
            full = Busy("call_full", "Too much is being said at once; please say that again.")
            self._settled(exchange, full)

    async def _receive(self, exchange: Exchange) -> None:
        if exchange.over:
            return
        message = self._message(exchange, exchange.text)
        try:
            await self._after_the_cut()
            receipt = await self._conversations.receive(
                self._inbound(message, addressed=True, certain=exchange.certain)
            )
        except Exception as error:  # noqa: BLE001  whoever has the floor must give it back
            logger.warning("a spoken turn was not taken in", extra={"error": type(error).__name__})
            self._settled(exchange, error)
            return
        receipt.then(lambda outcome: self._settled(exchange, outcome))

    async def _after_the_cut(self) -> None:
        """Wait until an answer that was stopped is stored, so that it precedes what stopped it."""
        if self._cut:
            self._cut = False
            await self._conversations.hush({self._place.conversation})

    def _answer_to(self, exchange: Exchange, text: str, *, spare: bool = False) -> None:
        """Let the answer be to ``text``; nothing is certain before that is so."""
        if exchange.text != text and self._do(lambda: self._correct(exchange, text), spare=spare):
            exchange.text = text
            exchange.correcting += 1
        self._sure(exchange)

    async def _correct(self, exchange: Exchange, text: str) -> None:
        try:
            changed = await self._conversations.corrected(
                self._place.conversation, exchange.external_id, text, by=exchange.speaker
            )
            if changed:
                self._void(exchange)
                exchange.begin_anew()
        finally:
            exchange.correcting -= 1
            self._sure(exchange)

    def _sure(self, exchange: Exchange) -> None:
        if exchange.agreed is not None and not exchange.correcting:
            exchange.certain.set()
        self._look()

    def _void(self, exchange: Exchange) -> None:
        exchange.attempt.void = True
        self._watcher.void(exchange)

    def _look(self) -> None:
        """Tell when answers may sound, or may no longer."""
        current = self._current
        unsure = bool(self._withdrawing) or (current is not None and current.unsure)
        if unsure is not self._unsure:
            self._unsure = unsure
            self._watcher.unsure(unsure)

    def _take_back(self, exchange: Exchange) -> None:
        exchange.over = True
        self._withdrawing.append(exchange)
        if not self._do(lambda: self._withdraw(exchange)):
            self._withdrawing.remove(exchange)
            self._void(exchange)
            exchange.certain.set()

    async def _withdraw(self, exchange: Exchange) -> None:
        try:
            await self._conversations.withdrawn(self._place.conversation, [exchange.external_id])
        except AcoreError:
            self.stop(InterruptReason.USER_STOP)
            raise
        finally:
            self._void(exchange)
            self._withdrawing.remove(exchange)
            exchange.certain.set()
            self._look()

    async def _overheard(self, turn: TurnDecided) -> None:
        exchange = self._exchange(turn.turn, turn.speaker, turn.text)
        message = self._message(exchange, turn.text)
        await self._conversations.receive(self._inbound(message, addressed=False))

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
        if exchange.agreed is None:
            exchange.outcome = outcome
        else:
            self._settle(exchange, outcome)

    def _settle(self, exchange: Exchange, outcome: Outcome | BaseException) -> None:
        if isinstance(outcome, AcoreError):
            self._watcher.outcome(outcome.user_message)
        elif isinstance(outcome, Outcome):
            self._tell(outcome)
        self._over(exchange)

    def _tell(self, outcome: Outcome) -> None:
        failures = [each for each in outcome.terminals if isinstance(each, TurnFailed)]
        refused = outcome.withheld
        if failures:
            self._watcher.outcome(failures[-1].user_message)
        elif any(_said(each) for each in outcome.terminals):
            self._watcher.outcome(None)
        elif refused is not None and refused.notify and refused.detail:
            self._watcher.outcome(refused.detail)

    def _over(self, exchange: Exchange) -> None:
        exchange.over = True
        exchange.certain.set()
        if self._current is exchange:
            self._current = None
            self.give_floor()
            self._look()

    def _do(self, work: Callable[[], Awaitable[None]], *, spare: bool = False) -> bool:
        """Have work done; ``False`` when too much waits, sooner for what can be spared."""
        if self._work.qsize() >= (_MOST_SPARE if spare else _MOST_WAITING):
            logger.warning("spoken turns come faster than they are taken in")
            return False
        self._work.put_nowait(work)
        return True


def _said(terminal: Terminal) -> bool:
    return not isinstance(terminal, TurnInterrupted) or bool(terminal.delivered)
