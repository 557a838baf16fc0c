"""What the interruption policy orders is done: softer, silent, on again, or given up."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.domain.clock import Clock
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.domain.replies import InterruptReason
from services.voice.call_events import CallEvent, Ducked, Interrupted, Resumed, Unducked
from services.voice.exchanges import Exchanges
from services.voice.mouth import Mouth, Speaker
from services.voice.recent import Recent
from services.voice.turns.orders import Duck, Order, Resume, Stop, Unduck
from services.voice.turns.policy import InterruptionPolicy


class Interruptions:
    """Leads orders to the mouth and remembers whose words the bot fell silent for.

    ``person_of`` returns whom an order is about, to tell of it. Everything is quick.
    """

    def __init__(
        self,
        *,
        policy: InterruptionPolicy,
        mouth: Mouth,
        exchanges: Exchanges,
        clock: Clock,
        person_of: Callable[[AuthorId], Author | None],
        on_event: Callable[[CallEvent], None],
    ) -> None:
        self._policy = policy
        self._mouth = mouth
        self._exchanges = exchanges
        self._clock = clock
        self._person_of = person_of
        self._on_event = on_event
        self._stopped_by: AuthorId | None = None
        self._resuming = False
        self._commanded: Recent[AuthorId, bool] = Recent()

    @property
    def stopped_by(self) -> AuthorId | None:
        """Whose words the bot fell silent for, while it may still go on."""
        return self._stopped_by

    def obey(self, orders: Iterable[Order], /) -> None:
        """Do what is ordered, in order."""
        for order in orders:
            now = self._clock.monotonic()
            match order:
                case Duck():
                    self._mouth.duck()
                    speaker = self._person_of(order.by)
                    if speaker is not None:
                        self._on_event(Ducked(by=speaker, at=now))
                case Unduck():
                    self._mouth.restore()
                    self._on_event(Unducked(at=now))
                case Stop():
                    self.stop(order.by, hard=order.hard)
                case Resume():
                    self._resume(now)

    def tick(self, now: float, /) -> None:
        """Let time pass."""
        self.obey(self._policy.tick(now))
        self.give_up_if_decided()

    def stop(self, by: AuthorId | None, /, *, hard: bool) -> None:
        """Fall silent now; ``hard`` for good."""
        self._mouth.hold()
        speaker = None if by is None else self._person_of(by)
        self._on_event(Interrupted(by=speaker, at=self._clock.monotonic(), hard=hard))
        if not hard:
            self._stopped_by = by
            return
        self._stopped_by = None
        if by is not None:
            self._commanded.note(by, True)
        self._give_up(InterruptReason.USER_STOP)

    def yield_to_words(self) -> None:
        """Give up what is held silent, since what interrupted it is to be answered."""
        self._stopped_by = None
        self._give_up(InterruptReason.BARGE_IN)

    def commanded(self, by: AuthorId, /) -> bool:
        """Say, once, whether somebody's command has silenced the bot since their last turn."""
        return self._commanded.forget(by) is not None

    def give_up_if_decided(self) -> None:
        """End an answer whose interruption nobody followed up and that may not resume again."""
        if self._stopped_by is None or self._policy.undecided:
            return
        self._stopped_by = None
        if self._mouth.held:
            self._give_up(InterruptReason.BARGE_IN)

    def sound_began(self, at: float, speaker: Speaker, /, *, first: bool) -> None:
        """The bot is heard, ``first`` of an answer or after a stop."""
        resumption, self._resuming = self._resuming, False
        if first or resumption:
            self.obey(
                self._policy.bot_started(
                    at, uninterruptible=speaker.uninterruptible, resumption=resumption
                )
            )

    def answer_ended(self) -> None:
        """The bot has said what it had to say."""
        self._stopped_by = None
        self._resuming = False
        self._policy.bot_finished()

    def _give_up(self, reason: InterruptReason) -> None:
        """End what is said, keeping what was heard of it."""
        if self._mouth.reading or not self._exchanges.stop(reason):
            self._mouth.give_up()

    def _resume(self, now: float) -> None:
        self._stopped_by = None
        if not self._mouth.held:
            return
        self._resuming = True
        self._on_event(Resumed(at=now))
        self._mouth.resume()
