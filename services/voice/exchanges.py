"""From what people say to answers: one exchange with the conversation core at a time."""

from __future__ import annotations

import asyncio
import logging

from services.conversation.inbound import Outcome
from services.conversation.service import ConversationService
from services.domain.clock import Clock
from services.domain.errors import AcoreError, Busy
from services.domain.ids import IdSource, MessageId
from services.domain.people import Author
from services.domain.replies import (
    InterruptReason,
    Terminal,
    TurnBrief,
    TurnFailed,
    TurnInterrupted,
)
from services.voice.errands import Errands
from services.voice.exchange import Exchange, ExchangeWatcher
from services.voice.listening.events import TurnDecided
from services.voice.place import Place, Telling
from services.voice.turns.floor import Floor, Grant

logger = logging.getLogger(__name__)

_LEAVING_SECONDS = 2.0


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
        self._core = Telling(conversations, place, clock=clock)
        self._errands = Errands(watcher.outcome)
        self._floor = floor
        self._clock = clock
        self._ids = ids
        self._watcher = watcher
        self._current: Exchange | None = None
        self._withdrawing: list[Exchange] = []
        self._unsure = False

    @property
    def current(self) -> Exchange | None:
        """The exchange that has the floor."""
        return self._current

    async def run(self) -> None:
        """Work until cancelled."""
        await self._errands.run()

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
                    await self._core.withdraw(each)
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
        exchange = self._exchange(turn.turn, turn.speaker, turn.text)
        self._errands.do(lambda: self._core.mention(exchange), spare=True)

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
        return self._core.stop(reason)

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
        if not self._errands.do(lambda: self._receive(exchange)):
            full = Busy("call_full", "Too much is being said at once; please say that again.")
            self._settled(exchange, full)

    async def _receive(self, exchange: Exchange) -> None:
        if exchange.over:
            return
        try:
            receipt = await self._core.ask(exchange)
        except Exception as error:  # noqa: BLE001  whoever has the floor must give it back
            logger.warning("a spoken turn was not taken in", extra={"error": type(error).__name__})
            self._settled(exchange, error)
            return
        receipt.then(lambda outcome: self._settled(exchange, outcome))

    def _answer_to(self, exchange: Exchange, text: str, *, spare: bool = False) -> None:
        """Let the answer be to ``text``; nothing is certain before that is so."""
        if exchange.text != text and self._errands.do(
            lambda: self._correct(exchange, text), spare=spare
        ):
            exchange.text = text
            exchange.correcting += 1
        self._sure(exchange)

    async def _correct(self, exchange: Exchange, text: str) -> None:
        try:
            if await self._core.correct(exchange, text):
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
        if not self._errands.do(lambda: self._withdraw(exchange)):
            self._withdrawing.remove(exchange)
            self._void(exchange)
            exchange.certain.set()

    async def _withdraw(self, exchange: Exchange) -> None:
        try:
            await self._core.withdraw(exchange)
        except AcoreError:
            self.stop(InterruptReason.USER_STOP)
            raise
        finally:
            self._void(exchange)
            self._withdrawing.remove(exchange)
            exchange.certain.set()
            self._look()

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


def _said(terminal: Terminal) -> bool:
    return not isinstance(terminal, TurnInterrupted) or bool(terminal.delivered)
