"""Every call there is, and the engines they share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from services.conversation.service import ConversationService
from services.domain.audio import AudioClip
from services.domain.clock import Clock
from services.domain.errors import Busy, InvalidRequest, ProviderError, ProviderFault
from services.domain.ids import AuthorId, ConversationId, IdSource, PersonaId
from services.domain.people import Author, Role
from services.domain.replies import Delivery, TurnBrief
from services.lifecycle import Supervisor
from services.persona.character import Persona
from services.persona.library import CharacterLibrary
from services.settings import VoiceSettings
from services.voice.audio_io import AudioInput, AudioOutput
from services.voice.call import VoiceCall
from services.voice.call_events import CallEvent
from services.voice.call_parts import CallParts
from services.voice.conversion_news import conversion_news
from services.voice.delivery import SpokenDelivery
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.exchanges import Exchanges
from services.voice.listening.endpointing import TurnCompletion
from services.voice.listening.listener import Listener
from services.voice.listening.samples import SAMPLE_RATE
from services.voice.listening.transcribing import Transcriber
from services.voice.listening.vad import SpeechProbability
from services.voice.listening.wake import Wake, WakeRule
from services.voice.mouth import Mouth, Speaker
from services.voice.place import Place
from services.voice.recognition import SpeechToText, Transcript
from services.voice.reports import Reports
from services.voice.speaking.speech_sink import SpeakingSettings
from services.voice.spoken_text import Lexicon
from services.voice.synthesis import TextToSpeech, Voice, VoiceListing
from services.voice.turns.attending import Attention
from services.voice.turns.floor import Floor
from services.voice.turns.policy import InterruptionPolicy
from services.voice.voices import Voices

logger = logging.getLogger(__name__)

_SAMPLE = "Hello. This is how I sound."


class Detector(Protocol):
    """Makes detectors of speech, one a speaker."""

    async def open(self) -> None:
        """Make ready; idempotent."""
        ...

    def __call__(self) -> SpeechProbability:
        """Return a detector for one more speaker."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """What listens and speaks; without ``ears`` nobody is listened to."""

    speech: TextToSpeech
    ears: SpeechToText | None
    completion: TurnCompletion | None
    probability: Detector


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOpening:
    """Where a call is, and who is there.

    ``present`` names who hears what is said; ``role`` tells what an account may do and must be
    quick. ``text`` shows what is answered as well. ``adults`` says that the place is for adults.
    """

    conversation: ConversationId
    present: Callable[[], frozenset[AuthorId | PersonaId]]
    role: Callable[[Author], Role]
    text: Delivery | None = None
    wake: WakeRule = WakeRule.ALWAYS
    adults: bool = False
    listening: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceStatus:
    """How speaking and listening are doing; names of engines, ``None`` where there is none.

    While voices should be converted and are not, that is ``bypassed``.
    """

    speech: str
    ears: str | None
    calls: int
    ready: bool
    bypassed: bool = False


class _NoEars:
    """Stands where nothing listens."""

    name = "none"

    async def open(self) -> None:
        """Do nothing."""

    async def transcribe(self, clip: AudioClip, /, *, language: str | None = None) -> Transcript:
        """Raise ``ProviderError``."""
        raise ProviderError(
            self.name, ProviderFault.UNSUPPORTED, "Nothing listens here: choose voice.ears."
        )

    async def close(self) -> None:
        """Do nothing."""


async def _tried(completion: TurnCompletion) -> None:
    await completion.probability(np.zeros(SAMPLE_RATE, np.float32))


class VoiceService:
    """Holds calls, over engines that are started at the first need."""

    def __init__(
        self,
        engines: Engines,
        *,
        conversations: ConversationService,
        library: CharacterLibrary,
        voices: Voices,
        settings: VoiceSettings,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._engines = engines
        self._conversations = conversations
        self._library = library
        self._voices = voices
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._calls: dict[ConversationId, VoiceCall] = {}
        self._ready = False

    async def close(self) -> None:
        """Stop the engines; idempotent. Calls have to be left before."""
        for engine in (self._engines.speech, self._engines.ears):
            if engine is not None:
                await engine.close()

    # -- engines

    async def warm(self) -> None:
        """Make the engines ready, so that the first call answers at once. Raises ``ProviderError``.

        One that fails does not keep the others from getting ready.
        """
        opening = [self._engines.probability.open(), self._engines.speech.open()]
        if self._engines.ears is not None:
            opening.append(self._engines.ears.open())
        if self._engines.completion is not None:
            opening.append(_tried(self._engines.completion))
        failures = [
            each
            for each in await asyncio.gather(*opening, return_exceptions=True)
            if isinstance(each, BaseException)
        ]
        self._ready = not failures
        if failures:
            raise failures[0]

    def status(self) -> VoiceStatus:
        """Return how it is doing."""
        speech, ears = self._engines.speech, self._engines.ears
        return VoiceStatus(
            speech=speech.name,
            ears=None if ears is None else ears.name,
            calls=len(self._calls),
            ready=self._ready,
            bypassed=isinstance(speech, ConvertedSpeech) and speech.bypassed,
        )

    async def voices(self) -> Sequence[VoiceListing]:
        """List the voices there are. Raises ``ProviderError``."""
        return await self._engines.speech.voices()

    async def sample(self, voice: Voice, /, *, text: str = _SAMPLE) -> AudioClip:
        """Speak a sentence into a clip. Raises ``ProviderError``."""
        pcm: list[bytes] = []
        rate = 0
        async with aclosing(self._engines.speech.synthesize(text, voice=voice)) as frames:
            async for frame in frames:
                pcm.append(frame.pcm)
                rate = frame.rate
        if not rate:
            raise ProviderError(
                self._engines.speech.name, ProviderFault.MALFORMED, "The voice said nothing."
            )
        return AudioClip(pcm=b"".join(pcm), rate=rate)

    async def voice_of(self, persona: Persona, conversation: ConversationId, /) -> Voice:
        """Return how a character sounds in a place."""
        return await self._voices.of(persona, conversation)

    # -- calls

    def find(self, conversation: ConversationId, /) -> VoiceCall | None:
        """Return the call in a place."""
        return self._calls.get(conversation)

    def aloud(self, conversation: ConversationId, delivery: Delivery | None) -> Delivery:
        """Return a delivery that speaks as well, where a call is on when the answer begins."""
        return SpokenDelivery(partial(self.find, conversation), delivery)

    @asynccontextmanager
    async def call(
        self,
        opening: CallOpening,
        *,
        ears: AudioInput,
        mouth: AudioOutput,
        on_event: Callable[[CallEvent], None],
    ) -> AsyncIterator[VoiceCall]:
        """Hold a call while entered; leaving stops what is said and heard.

        ``on_event`` is called on the event loop and must be quick; nothing is told after leaving.
        Raises ``InvalidRequest`` where a call is on already, ``Busy`` when there are too many.
        """
        if opening.conversation in self._calls:
            raise InvalidRequest("call_exists", "I am in a call there already.")
        if len(self._calls) >= self._settings.max_calls:
            raise Busy("calls_full", "I am in as many calls as I can be; let me leave one first.")
        call, reports = VoiceCall(), Reports(on_event)
        self._calls[opening.conversation] = call
        try:
            async with Supervisor() as supervisor:
                parts = self._parts(call, opening, supervisor, reports.tell)
                call.assemble(parts)
                if not opening.listening or self._engines.ears is None:
                    call.deafen()
                news = conversion_news(
                    self._engines.speech, clock=self._clock, on_event=reports.tell
                )
                async with parts.listener, mouth.playing(parts.mouth.mixer.read):
                    running = supervisor.start("call", partial(call.run, ears))
                    try:
                        with news:
                            yield call
                    finally:
                        self._calls.pop(opening.conversation, None)
                        await call.close()
                        reports.close()
                        running.cancel()
                        await parts.exchanges.close()
        finally:
            self._calls.pop(opening.conversation, None)

    def _parts(
        self,
        call: VoiceCall,
        opening: CallOpening,
        supervisor: Supervisor,
        on_event: Callable[[CallEvent], None],
    ) -> CallParts:
        settings = self._settings
        names = self._names
        wake = Wake(opening.wake, names=names())
        listener = Listener(
            transcriber=Transcriber(self._engines.ears or _NoEars()),
            probability=self._engines.probability,
            clock=self._clock,
            on_event=call.heard,
            wake=wake,
            completion=self._engines.completion,
        )
        policy, floor = InterruptionPolicy(), Floor()
        mouth = Mouth(
            self._engines.speech,
            clock=self._clock,
            supervisor=supervisor,
            watcher=call,
            on_event=on_event,
            settings=SpeakingSettings(moods=settings.moods),
            lexicon=Lexicon(settings.lexicon),
        )
        place = Place(
            conversation=opening.conversation,
            delivery=self.aloud(opening.conversation, opening.text),
            role=opening.role,
            present=opening.present,
            adults=opening.adults,
        )
        exchanges = Exchanges(
            self._conversations,
            place,
            floor=floor,
            clock=self._clock,
            ids=self._ids,
            watcher=call,
        )
        return CallParts(
            listener=listener,
            policy=policy,
            floor=floor,
            attention=Attention(
                policy=policy,
                floor=floor,
                wake=wake,
                languages=listener.languages,
                role=opening.role,
            ),
            mouth=mouth,
            exchanges=exchanges,
            clock=self._clock,
            names=names,
            speaker_of=partial(self._speaker, opening.conversation),
            narrator=partial(self._narrator, opening.conversation),
            on_event=on_event,
            aside=lambda text: supervisor.start("aside", partial(call.say, text)),
        )

    def _names(self) -> Sequence[str]:
        found: list[str] = []
        for persona in self._library.all():
            found.extend(persona.names)
        return found

    async def _speaker(self, conversation: ConversationId, turn: TurnBrief) -> Speaker:
        persona = self._library.get(turn.persona)
        voice = Voice() if persona is None else await self._voices.of(persona, conversation)
        return Speaker(name=turn.persona_name, voice=voice, persona=turn.persona)

    async def _narrator(self, conversation: ConversationId) -> Speaker:
        persona = await self._conversations.persona_of(conversation)
        return Speaker(
            name=persona.name,
            voice=await self._voices.of(persona, conversation),
            persona=persona.id,
        )
