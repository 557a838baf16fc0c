"""Leads what a listener tells to the interruption policy and the floor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.domain.people import Author, Role
from services.voice.listening.events import (
    DropReason,
    ListeningEvent,
    SpeechEnded,
    SpeechProgress,
    SpeechStarted,
    TranscriptReady,
    TurnDecided,
    TurnDropped,
)
from services.voice.listening.languages import Languages
from services.voice.listening.wake import Wake
from services.voice.turns.floor import Floor
from services.voice.turns.orders import Order
from services.voice.turns.policy import InterruptionPolicy, Person
from services.voice.turns.remarks import Remark, remark


class Attention:
    """Turns listening events into orders for the bot's voice.

    ``role`` tells what an account may do; it is asked on every event and must be quick.
    """

    def __init__(
        self,
        *,
        policy: InterruptionPolicy,
        floor: Floor,
        wake: Wake,
        languages: Languages,
        role: Callable[[Author], Role],
    ) -> None:
        self._policy = policy
        self._floor = floor
        self._wake = wake
        self._languages = languages
        self._role = role

    def remark(self, speaker: Author, text: str, /) -> Remark:
        """Judge what a speaker said, in the speaker's language."""
        language = self._languages.of(speaker.id)
        return remark(text, language=language, names=self._wake.spoken_names)

    def take(self, event: ListeningEvent, /) -> Sequence[Order]:
        """Return what the bot's voice is to do about an event."""
        person = self._person(event.speaker, event.at)
        match event:
            case SpeechStarted():
                self._floor.started(person.id, at=event.at)
                return self._policy.speech_started(person)
            case SpeechProgress():
                return self._policy.speech_progress(person, voiced=event.voiced, at=event.at)
            case SpeechEnded():
                self._floor.ended(person.id, at=event.since)
                self._policy.speech_ended(person, at=event.at)
                return ()
            case TranscriptReady():
                return self._policy.words(
                    person,
                    self.remark(event.speaker, event.text),
                    at=event.at,
                    addressed=self._wake.names_bot(event.text),
                )
            case TurnDecided():
                meant = self.remark(event.speaker, event.text)
                return self._policy.turn_ended(person, meant, at=event.at)
            case TurnDropped():
                if event.reason is DropReason.LEFT:
                    self._floor.ended(person.id, at=event.at)
                return self._policy.turn_ended(person, Remark.NONE, at=event.at)

    def _person(self, speaker: Author, at: float) -> Person:
        return Person(
            id=speaker.id,
            participant=self._wake.participates(speaker.id, at=at),
            role=self._role(speaker),
        )
