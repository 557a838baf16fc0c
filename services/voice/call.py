"""One call: who speaks, whose turn it is, what is answered, and when the bot falls silent."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from services.conversation.sentences import SentenceSplitter
from services.conversation.speech_text import to_speech
from services.domain.clock import Clock
from services.domain.errors import ProviderError
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.domain.replies import (
    InterruptReason,
    ReplySink,
    SentenceReady,
    TextDelta,
    TurnBrief,
    TurnKind,
)
from services.voice.audio_io import AudioInput
from services.voice.call_events import (
    CallEvent,
    Ducked,
    Interrupted,
    Resumed,
    Trouble,
    Troubled,
    Unducked,
)
from services.voice.certain_sinks import Attempt, PatientSink
from services.voice.exchanges import Exchange, Exchanges
from services.voice.listening.completeness import Completeness, completeness
from services.voice.listening.events import (
    DropReason,
    ListeningEvent,
    SpeechStarted,
    Stage,
    TranscriptReady,
    TurnDecided,
    TurnDropped,
)
from services.voice.listening.listener import Listener
from services.voice.listening.wake import Wake
from services.voice.listening.wording import wording, words_of
from services.voice.mouth import Mouth, Speaker
from services.voice.reports import report
from services.voice.speaking.spoken_clause import SpokenClause
from services.voice.synthesis import Voice
from services.voice.turns.attending import Attention
from services.voice.turns.floor import Floor
from services.voice.turns.orders import Duck, Order, Resume, Stop, Unduck
from services.voice.turns.policy import InterruptionPolicy
from services.voice.turns.remarks import Remark

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.02
STALL_SECONDS = 0.08
"""After a longer stall, sound that came meanwhile is taken in before silence is made of time."""

QUIET_SECONDS = 0.7
"""How long nobody has spoken before the bot says something unasked."""

LONGEST_WAIT = 15.0
"""How long something unasked waits for that before it is said nevertheless."""

_MOST_PEOPLE = 128
_ONLY_A_COMMAND = 4
_LETTERS_A_SECOND = 15.0

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallParts:
    """What a call is made of.

    ``names`` are those the bot goes by just now; ``aside`` has a text said as soon as may be.
    """

    listener: Listener
    policy: InterruptionPolicy
    floor: Floor
    attention: Attention
    mouth: Mouth
    exchanges: Exchanges
    clock: Clock
    names: Callable[[], Sequence[str]]
    speaker_of: Callable[[TurnBrief], Awaitable[Speaker]]
    narrator: Callable[[], Awaitable[Speaker]]
    on_event: Callable[[CallEvent], None]
    aside: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class _Begun:
    """How somebody's latest turn began; ``over_answer`` while the bot could be heard."""

    turn: int
    since: float
    continues: int | None
    over_answer: bool = field(kw_only=True)


class VoiceCall:
    """The turn manager of one call.

    Listening events and mixer events come in on the event loop; orders go to the mouth at once and
    turns to the conversation core, presumed ones as well, whose answers stay unheard until they are
    decided. ``run`` does the work until it is cancelled. What is said and
    answered is reported as ``CallEvent`` in the order it happens.
    """

    def __init__(self) -> None:
        self._parts: CallParts | None = None
        self._people: OrderedDict[AuthorId, Author] = OrderedDict()
        self._begun: OrderedDict[AuthorId, _Begun] = OrderedDict()
        self._commanded: OrderedDict[AuthorId, int] = OrderedDict()
        self._stopped_by: AuthorId | None = None
        self._resuming = False
        self._troubles: set[Trouble] = set()
        self._listening = True
        self._closed = False

    def assemble(self, parts: CallParts) -> None:
        """Take the parts, which know the call themselves."""
        self._parts = parts

    @property
    def _is(self) -> CallParts:
        if self._parts is None:
            raise RuntimeError("the call is not assembled yet")  # noqa: TRY003
        return self._parts

    # -- from outside

    @property
    def listening(self) -> bool:
        """Whether what people say is listened to."""
        return self._listening

    @property
    def speaking(self) -> bool:
        """Whether the bot can be heard."""
        return self._is.mouth.audible

    @property
    def busy(self) -> bool:
        """Whether an answer is thought of, made ready or spoken."""
        return self._is.mouth.busy or self._is.exchanges.current is not None

    @property
    def wake(self) -> Wake:
        """Who is heard and whose turns are for the bot."""
        return self._is.listener.wake

    @property
    def listener(self) -> Listener:
        """Who listens, for status."""
        return self._is.listener

    def listen(self) -> None:
        """Listen from now on."""
        self._listening = True

    def deafen(self) -> None:
        """Listen no more; what is half said is dropped."""
        self._listening = False
        for person in tuple(self._people):
            self._is.listener.left(person)

    def left(self, person: AuthorId, /) -> None:
        """Somebody left the call."""
        self._is.listener.left(person)
        self._people.pop(person, None)

    def release(self, person: AuthorId, /) -> None:
        """Somebody let go of the key of push-to-listen."""
        self._is.listener.release(person)

    def hush(self) -> bool:
        """Fall silent now and give up what is being said; ``False`` when nothing is."""
        parts = self._is
        if not parts.mouth.busy:
            return False
        self._stop(None, hard=True)
        return True

    async def close(self) -> None:
        """End what is said because the call is left; whoever waits to speak does not any more."""
        mouth = self._is.mouth
        self._closed = True
        if mouth.busy and not mouth.reading:
            self._is.exchanges.stop(InterruptReason.USER_STOP)
        await mouth.close()

    @property
    def locked(self) -> bool:
        """Whether only moderators and above may interrupt; may be set."""
        return self._is.policy.locked

    @locked.setter
    def locked(self, locked: bool) -> None:
        self._is.policy.locked = locked

    async def say(
        self, text: str, /, *, voice: Voice | None = None, uninterruptible: bool = False
    ) -> None:
        """Read a text aloud in ``voice``, else the narrator's, once nobody else of us speaks.

        Returns when it was heard. Markdown is read as it is in answers.
        """
        parts = self._is
        speaker = replace(await parts.narrator(), uninterruptible=uninterruptible)
        if voice is not None:
            speaker = replace(speaker, voice=voice)
        async with parts.mouth.speaking(speaker, reading=True) as sink:
            splitter = SentenceSplitter()
            await sink.emit(TextDelta(text=text))
            sentences = [one for one in (*splitter.feed(text), *splitter.flush()) if one.strip()]
            for index, sentence in enumerate(sentences, start=1):
                written = sentence.strip()
                await sink.emit(
                    SentenceReady(index=index, text=written, speech_text=to_speech(written))
                )
            await sink.drain()

    @asynccontextmanager
    async def answering(self, turn: TurnBrief, /) -> AsyncIterator[ReplySink]:
        """Speak one turn of the conversation; what nobody in the call asked for waits for quiet.

        It does not wait for the floor: the answer to whoever has that comes after this turn.
        Raises ``CallOver``.
        """
        parts = self._is
        exchange = parts.exchanges.behind(turn)
        took = exchange is None and await self._take_floor(turn)
        try:
            speaker = await parts.speaker_of(turn)
            async with parts.mouth.speaking(speaker, to=exchange) as sink:
                yield sink if exchange is None else PatientSink(sink, exchange.attempt)
        finally:
            if took:
                parts.exchanges.give_floor()

    def attempt(self, turn: TurnBrief, /) -> Attempt | None:
        """Return what a turn is an attempt at, if it answers what was said in the call."""
        exchange = self._is.exchanges.behind(turn)
        return None if exchange is None else exchange.attempt

    async def run(self, ears: AudioInput) -> None:
        """Listen and let time pass until cancelled, or until ``ears`` end."""
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(self._tick())
            posting = group.create_task(self._is.exchanges.run())
            await self._hear(ears)
            ticking.cancel()
            posting.cancel()

    async def _hear(self, ears: AudioInput) -> None:
        async with aclosing(ears.frames()) as frames:
            async for heard in frames:
                if not self._listening:
                    continue
                _keep(self._people, heard.speaker.id, heard.speaker)
                self._is.listener.hear(heard, at=heard.frame.started_at)

    async def _tick(self) -> None:
        parts = self._is
        now = parts.clock.monotonic()
        while True:
            last = now
            await asyncio.sleep(TICK_SECONDS)
            now = parts.clock.monotonic()
            if now - last > STALL_SECONDS:
                continue
            parts.listener.tick(now)
            parts.mouth.tick(now)
            self._obey(parts.policy.tick(now))
            self._give_up_if_decided()

    async def _take_floor(self, turn: TurnBrief) -> bool:
        parts = self._is
        now = parts.clock.monotonic()
        due = now + LONGEST_WAIT
        quiet = QUIET_SECONDS if turn.kind is TurnKind.INITIATIVE else 0.0
        while now < due and not self._closed and not parts.floor.taken:
            if parts.floor.clear(now, quiet=quiet):
                return parts.floor.take()
            await asyncio.sleep(TICK_SECONDS)
            now = parts.clock.monotonic()
        return False

    # -- what the listener tells

    def heard(self, event: ListeningEvent, /) -> None:
        """Take the listener's next event."""
        if self._closed:
            return
        parts = self._is
        _keep(self._people, event.speaker.id, event.speaker)
        told = report(event)
        if told is not None:
            parts.on_event(told)
        if isinstance(event, SpeechStarted):
            self._started(event)
        elif isinstance(event, TranscriptReady) and event.text:
            self._fine(Trouble.EARS)
            if event.stage is Stage.SPECULATIVE:
                self._presume(event)
        stopped = self._stopped_by
        orders = parts.attention.take(event)
        self._obey(orders)
        match event:
            case TurnDecided():
                held = stopped == event.speaker.id and parts.mouth.held
                self._decided(event, interrupted=held)
            case TurnDropped():
                self._dropped(event)
            case _:
                pass
        self._give_up_if_decided()

    def _started(self, event: SpeechStarted) -> None:
        parts = self._is
        over_answer = parts.mouth.audible
        if event.resumed:
            known = self._begun.get(event.speaker.id)
            over_answer = over_answer or (known is not None and known.over_answer)
        begun = _Begun(event.turn, event.since, event.continues, over_answer=over_answer)
        _keep(self._begun, event.speaker.id, begun)
        parts.exchanges.go_on(event.continues)

    def _presume(self, event: TranscriptReady) -> None:
        """Begin, or begin anew, the answer to what may be a whole turn; it stays unheard as yet."""
        parts = self._is
        begun = self._begun.get(event.speaker.id)
        if begun is None or begun.turn != event.turn:
            return
        if parts.exchanges.answers(event.turn) or parts.exchanges.answers(begun.continues):
            parts.exchanges.revise(event.turn, event.text)
            return
        if begun.over_answer or self.busy:
            return
        wake = parts.listener.wake
        if not wake.addressed(event.speaker.id, event.text, since=begun.since):
            return
        lists = wording(parts.listener.languages.of(event.speaker.id))
        if completeness(event.text, lists) is Completeness.UNFINISHED:
            return
        parts.exchanges.presume(event.turn, event.speaker, event.text)

    def _decided(self, turn: TurnDecided, *, interrupted: bool) -> None:
        parts = self._is
        parts.listener.wake.call(parts.names())
        meant = parts.attention.remark(turn.speaker, turn.text)
        begun = self._begun.pop(turn.speaker.id, None)
        over_answer = begun is not None and begun.turn == turn.turn and begun.over_answer
        commanded = self._commanded.pop(turn.speaker.id, None) is not None
        command = meant is Remark.HARD and len(words_of(turn.text)) <= _ONLY_A_COMMAND
        if commanded and command:
            return
        if parts.exchanges.answers(turn.turn) or parts.exchanges.answers(turn.continues):
            parts.exchanges.agree(turn)
        elif not turn.addressed or (over_answer and meant is Remark.BACK_CHANNEL):
            parts.exchanges.overhear(turn)
        elif interrupted:
            self._stopped_by = None
            self._give_up(InterruptReason.BARGE_IN)
            parts.exchanges.insist(turn)
        elif self._goes_on(turn):
            if command and parts.mouth.answers(parts.exchanges.current):
                self._stop(turn.speaker.id, hard=True)
                self._commanded.pop(turn.speaker.id, None)
            else:
                parts.exchanges.insist(turn)
        else:
            parts.exchanges.answer(turn)

    def _goes_on(self, turn: TurnDecided) -> bool:
        """Say whether whoever is being answered adds something before anything was heard."""
        parts = self._is
        current = parts.exchanges.current
        return (
            current is not None and current.speaker.id == turn.speaker.id and not parts.mouth.begun
        )

    def _dropped(self, event: TurnDropped) -> None:
        parts = self._is
        self._commanded.pop(event.speaker.id, None)
        begun = self._begun.pop(event.speaker.id, None)
        continued = begun is not None and parts.exchanges.answers(begun.continues)
        if parts.exchanges.answers(event.turn) or continued:
            parts.exchanges.withdraw(event.turn)
        if event.reason is DropReason.FAILED:
            deaf = "I cannot make out what is said just now."
            if self._trouble(Trouble.EARS, deaf):
                parts.aside(deaf)

    # -- what the policy orders

    def _obey(self, orders: Iterable[Order]) -> None:
        parts = self._is
        for order in orders:
            now = parts.clock.monotonic()
            match order:
                case Duck():
                    parts.mouth.duck()
                    speaker = self._people.get(order.by)
                    if speaker is not None:
                        parts.on_event(Ducked(by=speaker, at=now))
                case Unduck():
                    parts.mouth.restore()
                    parts.on_event(Unducked(at=now))
                case Stop():
                    self._stop(order.by, hard=order.hard)
                case Resume():
                    self._resume(now)

    def _stop(self, by: AuthorId | None, *, hard: bool) -> None:
        parts = self._is
        now = parts.clock.monotonic()
        parts.mouth.hold()
        speaker = None if by is None else self._people.get(by)
        parts.on_event(Interrupted(by=speaker, at=now, hard=hard))
        if not hard:
            self._stopped_by = by
            return
        self._stopped_by = None
        if by is not None:
            _keep(self._commanded, by, 0)
        self._give_up(InterruptReason.USER_STOP)

    def _give_up(self, reason: InterruptReason) -> None:
        """End what is said, keeping what was heard of it."""
        parts = self._is
        if parts.mouth.reading or not parts.exchanges.stop(reason):
            parts.mouth.give_up()

    def _resume(self, now: float) -> None:
        parts = self._is
        self._stopped_by = None
        if not parts.mouth.held:
            return
        self._resuming = True
        parts.on_event(Resumed(at=now))
        parts.mouth.resume()

    def _give_up_if_decided(self) -> None:
        """End an answer whose interruption nobody followed up and that may not resume again."""
        parts = self._is
        if self._stopped_by is None or parts.policy.undecided:
            return
        self._stopped_by = None
        if parts.mouth.held:
            self._give_up(InterruptReason.BARGE_IN)

    # -- what the mouth tells

    def sound_began(self, at: float, speaker: Speaker, /, *, first: bool) -> None:
        """The bot is heard."""
        parts = self._is
        parts.listener.bot_started()
        self._fine(Trouble.VOICE)
        current = parts.exchanges.current
        if first and current is not None:
            parts.listener.wake.engage(current.speaker.id, at=at)
        resumption, self._resuming = self._resuming, False
        if first or resumption:
            orders = parts.policy.bot_started(
                at, uninterruptible=speaker.uninterruptible, resumption=resumption
            )
            self._obey(orders)

    def sound_ceased(self, at: float, /) -> None:
        """The bot is silent."""
        self._is.listener.bot_stopped()

    def answer_ended(self, at: float, /) -> None:
        """The bot has said what it had to say."""
        self._stopped_by = None
        self._resuming = False
        self._is.policy.bot_finished()

    def clause_began(self, clause: SpokenClause, /, *, at: float) -> None:
        """Note what the bot says, so that its echo is known."""
        lasting = len(clause.speech_text) / _LETTERS_A_SECOND
        self._is.listener.bot_said(clause.speech_text, at=at + lasting)

    def speech_failed(self, error: ProviderError, /) -> None:
        """Tell once that the voice does not work."""
        self._trouble(Trouble.VOICE, error.user_message)

    # -- what the exchanges tell

    def outcome(self, failure: str | None, /) -> None:
        """Tell once, aloud as well, that no answer comes; ``None`` when one came."""
        if self._closed:
            return
        if failure is None:
            self._fine(Trouble.MODEL)
        elif self._trouble(Trouble.MODEL, failure):
            self._is.aside(failure)

    def unsure(self, unsure: bool, /) -> None:  # noqa: FBT001  it is the news
        """Keep answers silent while somebody may go on."""
        if unsure:
            self._is.mouth.suspend()
        else:
            self._is.mouth.release()

    def void(self, exchange: Exchange, /) -> None:
        """Let an answer that is to something else never sound."""
        self._is.mouth.void(exchange)

    # -- troubles

    def _trouble(self, trouble: Trouble, text: str) -> bool:
        """Tell of a trouble; ``False`` when that was done before."""
        if trouble in self._troubles:
            return False
        self._troubles.add(trouble)
        self._is.on_event(Troubled(trouble=trouble, text=text, at=self._is.clock.monotonic()))
        return True

    def _fine(self, trouble: Trouble) -> None:
        if trouble in self._troubles:
            self._troubles.discard(trouble)
            now = self._is.clock.monotonic()
            self._is.on_event(Troubled(trouble=trouble, text="", at=now, over=True))


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    """Note a value of somebody; those noted longest ago go."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _MOST_PEOPLE:
        kept.popitem(last=False)
