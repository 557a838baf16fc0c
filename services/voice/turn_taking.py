"""What is made of people's turns: presumed, answered, overheard, or taken for a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from services.domain.ids import AuthorId
from services.voice.call_events import Trouble
from services.voice.exchanges import Exchanges
from services.voice.interrupting import Interruptions
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
from services.voice.listening.wording import wording, words_of
from services.voice.mouth import Mouth
from services.voice.recent import Recent
from services.voice.troubles import Troubles
from services.voice.turns.attending import Attention
from services.voice.turns.remarks import Remark

_ONLY_A_COMMAND = 4
_DEAF = "I cannot make out what is said just now."


@dataclass(frozen=True, slots=True)
class _Begun:
    """How somebody's latest turn began; ``over_answer`` while the bot could be heard."""

    turn: int
    since: float
    continues: int | None
    over_answer: bool = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTaking:
    """Leads each event of the listener to where it matters, in order.

    ``complain`` has a sentence said aloud.
    """

    listener: Listener
    attention: Attention
    exchanges: Exchanges
    mouth: Mouth
    interruptions: Interruptions
    troubles: Troubles
    complain: Callable[[str], object]
    _begun: Recent[AuthorId, _Begun] = field(default_factory=Recent, init=False)

    def take(self, event: ListeningEvent, /) -> None:
        """Take the listener's next event; must not be called for two at once."""
        if isinstance(event, SpeechStarted):
            self._started(event)
        elif isinstance(event, TranscriptReady) and event.text:
            self.troubles.over(Trouble.EARS)
            if event.stage is Stage.SPECULATIVE:
                self._presume(event)
        stopped_by = self.interruptions.stopped_by
        self.interruptions.obey(self.attention.take(event))
        match event:
            case TurnDecided():
                held = stopped_by == event.speaker.id and self.mouth.held
                self._decided(event, interrupted=held)
            case TurnDropped():
                self._dropped(event)
            case _:
                pass
        self.interruptions.give_up_if_decided()

    def _started(self, event: SpeechStarted) -> None:
        over_answer = self.mouth.audible
        if event.resumed:
            known = self._begun.get(event.speaker.id)
            over_answer = over_answer or (known is not None and known.over_answer)
        begun = _Begun(event.turn, event.since, event.continues, over_answer=over_answer)
        self._begun.note(event.speaker.id, begun)
        self.exchanges.go_on(event.continues)

    def _presume(self, event: TranscriptReady) -> None:
        """Begin, or begin anew, the answer to what may be a whole turn; it stays unheard as yet."""
        begun = self._begun.get(event.speaker.id)
        if begun is None or begun.turn != event.turn:
            return
        if self._answers(event.turn, begun.continues):
            self.exchanges.revise(event.turn, event.text)
            return
        if begun.over_answer or self.mouth.busy or self.exchanges.current is not None:
            return
        wake = self.listener.wake
        if not wake.addressed(event.speaker.id, event.text, since=begun.since):
            return
        lists = wording(self.listener.languages.of(event.speaker.id))
        if completeness(event.text, lists) is Completeness.UNFINISHED:
            return
        self.exchanges.presume(event.turn, event.speaker, event.text)

    def _decided(self, turn: TurnDecided, *, interrupted: bool) -> None:
        meant = self.attention.remark(turn.speaker, turn.text)
        begun = self._begun.forget(turn.speaker.id)
        over_answer = begun is not None and begun.turn == turn.turn and begun.over_answer
        commanded = self.interruptions.commanded(turn.speaker.id)
        command = meant is Remark.HARD and len(words_of(turn.text)) <= _ONLY_A_COMMAND
        if commanded and command:
            return
        if self._answers(turn.turn, turn.continues):
            self.exchanges.agree(turn)
        elif not turn.addressed or (over_answer and meant is Remark.BACK_CHANNEL):
            self.exchanges.overhear(turn)
        elif interrupted:
            self.interruptions.yield_to_words()
            self.exchanges.insist(turn)
        elif not self._goes_on(turn):
            self.exchanges.answer(turn)
        elif command and self.mouth.answers(self.exchanges.current):
            self.interruptions.stop(turn.speaker.id, hard=True)
            self.interruptions.commanded(turn.speaker.id)
        else:
            self.exchanges.insist(turn)

    def _answers(self, turn: int, continues: int | None) -> bool:
        return self.exchanges.answers(turn) or self.exchanges.answers(continues)

    def _goes_on(self, turn: TurnDecided) -> bool:
        """Say whether whoever is being answered adds something before anything was heard."""
        current = self.exchanges.current
        same = current is not None and current.speaker.id == turn.speaker.id
        return same and not self.mouth.begun

    def _dropped(self, event: TurnDropped) -> None:
        self.interruptions.commanded(event.speaker.id)
        begun = self._begun.forget(event.speaker.id)
        if self._answers(event.turn, None if begun is None else begun.continues):
            self.exchanges.withdraw(event.turn)
        if event.reason is DropReason.FAILED and self.troubles.begun(Trouble.EARS, _DEAF):
            self.complain(_DEAF)
