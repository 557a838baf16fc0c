"""One call: who speaks, whose turn it is, what is answered, and when the bot falls silent."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, aclosing

from services.domain.errors import ProviderError
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.domain.replies import InterruptReason, ReplySink, TurnBrief
from services.voice.audio_io import AudioInput
from services.voice.call_events import Trouble
from services.voice.call_parts import CallDesk, CallParts, call_desk
from services.voice.certain_sinks import Attempt
from services.voice.exchange import Exchange
from services.voice.listening.events import ListeningEvent, TurnDecided
from services.voice.listening.listener import Listener
from services.voice.listening.wake import Wake
from services.voice.mouth import Speaker
from services.voice.recent import Recent
from services.voice.reports import report
from services.voice.speaking.spoken_clause import SpokenClause
from services.voice.synthesis import Voice

TICK_SECONDS = 0.02
STALL_SECONDS = 0.08
"""After a longer stall, sound that came meanwhile is taken in before silence is made of time."""

_LETTERS_A_SECOND = 15.0


class VoiceCall:
    """The turn manager of one call.

    Listening events and mixer events come in on the event loop; orders go to the mouth at once and
    turns to the conversation core, presumed ones as well, whose answers stay unheard until they are
    decided. ``run`` does the work until it is cancelled. What is said and
    answered is reported as ``CallEvent`` in the order it happens.
    """

    def __init__(self) -> None:
        self._desk: CallDesk | None = None
        self._people: Recent[AuthorId, Author] = Recent()
        self._listening = True
        self._closed = False

    def assemble(self, parts: CallParts) -> None:
        """Take the parts, which know the call themselves."""
        self._desk = call_desk(parts, person_of=self._people.get)

    @property
    def _at(self) -> CallDesk:
        if self._desk is None:
            raise RuntimeError("the call is not assembled yet")  # noqa: TRY003
        return self._desk

    @property
    def _is(self) -> CallParts:
        return self._at.parts

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

    @property
    def locked(self) -> bool:
        """Whether only moderators and above may interrupt; may be set."""
        return self._is.policy.locked

    @locked.setter
    def locked(self, locked: bool) -> None:
        self._is.policy.locked = locked

    def listen(self) -> None:
        """Listen from now on."""
        self._listening = True

    def deafen(self) -> None:
        """Listen no more; what is half said is dropped."""
        self._listening = False
        for person in self._people.noted():
            self._is.listener.left(person)

    def left(self, person: AuthorId, /) -> None:
        """Somebody left the call."""
        self._is.listener.left(person)
        self._people.forget(person)

    def release(self, person: AuthorId, /) -> None:
        """Somebody let go of the key of push-to-listen."""
        self._is.listener.release(person)

    def hush(self) -> bool:
        """Fall silent now and give up what is being said; ``False`` when nothing is.

        What waits for quiet before it is said is given up as well.
        """
        if not self._is.mouth.busy:
            return self._at.answering.drop_waiting()
        self._at.interruptions.stop(None, hard=True)
        return True

    async def close(self) -> None:
        """End what is said because the call is left; whoever waits to speak does not any more.

        Returns when the end of what was cut has been told, after two seconds at the latest.
        """
        mouth = self._is.mouth
        self._closed = True
        self._at.answering.close()
        if mouth.busy and not mouth.reading:
            self._is.exchanges.stop(InterruptReason.USER_STOP)
        await mouth.close()

    async def say(
        self, text: str, /, *, voice: Voice | None = None, uninterruptible: bool = False
    ) -> None:
        """Read a text aloud in ``voice``, else the narrator's, once nobody else of us speaks.

        Returns when it was heard. Markdown is read as it is in answers. Raises ``CallOver``.
        """
        await self._at.answering.read(text, voice=voice, uninterruptible=uninterruptible)

    def answering(self, turn: TurnBrief, /) -> AbstractAsyncContextManager[ReplySink]:
        """Speak one turn of the conversation while entered; what was not asked for waits for quiet.

        The sink raises ``CallOver`` once the call is left.
        """
        return self._at.answering.answering(turn)

    def attempt(self, turn: TurnBrief, /) -> Attempt | None:
        """Return what a turn is an attempt at, if it answers what was said in the call."""
        return self._at.answering.attempt(turn)

    # -- time and sound

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
                self._people.note(heard.speaker.id, heard.speaker)
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
            self._at.interruptions.tick(now)

    # -- what the listener tells

    def heard(self, event: ListeningEvent, /) -> None:
        """Take the listener's next event."""
        if self._closed:
            return
        parts = self._is
        self._people.note(event.speaker.id, event.speaker)
        told = report(event)
        if told is not None:
            parts.on_event(told)
        if isinstance(event, TurnDecided):
            parts.listener.wake.call(parts.names())
        self._at.turns.take(event)

    # -- what the mouth tells

    def sound_began(self, at: float, speaker: Speaker, /, *, first: bool) -> None:
        """The bot is heard."""
        parts = self._is
        parts.listener.bot_started()
        self._at.troubles.over(Trouble.VOICE)
        current = parts.exchanges.current
        if first and current is not None:
            parts.listener.wake.engage(current.speaker.id, at=at)
        self._at.interruptions.sound_began(at, speaker, first=first)

    def sound_ceased(self, at: float, /) -> None:
        """The bot is silent."""
        self._is.listener.bot_stopped()

    def answer_ended(self, at: float, /) -> None:
        """The bot has said what it had to say."""
        self._at.interruptions.answer_ended()

    def clause_began(self, clause: SpokenClause, /, *, at: float) -> None:
        """Note what the bot says, so that its echo is known."""
        lasting = len(clause.speech_text) / _LETTERS_A_SECOND
        self._is.listener.bot_said(clause.speech_text, at=at + lasting)

    def speech_failed(self, error: ProviderError, /) -> None:
        """Tell once that the voice does not work."""
        self._at.troubles.begun(Trouble.VOICE, error.user_message)

    # -- what the exchanges tell

    def outcome(self, failure: str | None, /) -> None:
        """Tell once, aloud as well, that no answer comes; ``None`` when one came."""
        troubles = self._at.troubles
        if failure is None:
            troubles.over(Trouble.MODEL)
        elif troubles.begun(Trouble.MODEL, failure) and not self._closed:
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
