"""Several engines as one: the first that begins in time speaks the sentence."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from services.domain.audio import AudioFrame
from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
from services.voice.synthesis import TextToSpeech, Voice, VoiceListing

logger = logging.getLogger(__name__)

_REST_SECONDS = 30.0
_LISTING_SECONDS = 5.0
# Names such as en-GB-SoniaNeural and en_US-joe-medium tell the language.
_LANGUAGE = re.compile(r"([a-z]{2,3})[-_]([A-Z]{2})[-_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechChoice:
    """An engine and the seconds it has for its first frame; ``None`` leaves it all it takes.

    ``knows`` tells its voices by their names; by default the first engine takes every name and the
    others none. ``voice`` is what it is asked for instead of a name that it does not know.
    ``model`` tells its clips from those of other models and default voices.
    """

    engine: TextToSpeech
    first_frame_seconds: float | None = None
    voice: str | None = None
    knows: Callable[[str], bool] | None = None
    model: str = ""


class FallbackSpeech:
    """A ``TextToSpeech`` over ``choices`` in their order of preference.

    The engine that knows the voice asked for comes before the others. A sentence is never changed
    over in the middle: once a frame has come, failures go on to the caller. An engine that failed
    or was late is left alone for ``rest_seconds`` as long as another one can speak. ``on_notice``
    hears a code and a sentence for people when an engine is given up for a while.
    """

    def __init__(
        self,
        choices: Sequence[SpeechChoice],
        *,
        clock: Clock,
        on_notice: Callable[[str, str], None],
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        if not choices:
            raise ValueError("no engine to speak with")  # noqa: TRY003
        self._choices = list(choices)
        self._clock = clock
        self._on_notice = on_notice
        self._rest_seconds = rest_seconds
        self._resting: dict[int, float] = {}

    @property
    def name(self) -> str:
        """The preferred engine's name."""
        return self._choices[0].engine.name

    async def open(self) -> None:
        """Make the engines ready, down to the first that nothing hurries.

        Those after it are loaded when they are needed. Raises ``ProviderError`` when none is ready.
        """
        failure: ProviderError | None = None
        ready = False
        for place, choice in enumerate(self._choices):
            try:
                await choice.engine.open()
            except ProviderError as error:
                failure = error
                self._rest(place, error)
                continue
            ready = True
            if choice.first_frame_seconds is None:
                return
        if failure is not None and not ready:
            raise failure

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        """Yield the speech of the first engine that begins in time.

        Raises the last engine's ``ProviderError`` when none does.
        """
        failure: ProviderError | None = None
        for place in self._order(voice.name):
            choice = self._choices[place]
            wanted = voice if self._knows(place, voice.name) else _stand_in(choice, voice)
            async with aclosing(choice.engine.synthesize(text, voice=wanted)) as frames:
                try:
                    first = await _first(frames, choice)
                except ProviderError as error:
                    failure = error
                    self._rest(place, error)
                    continue
                self._resting.pop(place, None)
                if first is not None:
                    yield first
                    async for frame in frames:
                        yield frame
                return
        if failure is not None:
            raise failure

    async def voices(self) -> Sequence[VoiceListing]:
        """List the voices of all engines that answer. Raises ``ProviderError`` when none does."""
        listings = await asyncio.gather(
            *(_listed(choice.engine) for choice in self._choices), return_exceptions=True
        )
        found: dict[str, VoiceListing] = {}
        failure: BaseException | None = None
        for listing in listings:
            if isinstance(listing, BaseException):
                failure = listing
            else:
                for voice in listing:
                    found.setdefault(voice.name, voice)
        if failure is not None and (not found or not isinstance(failure, ProviderError)):
            raise failure
        return list(found.values())

    async def close(self) -> None:
        """Close all engines."""
        for choice in self._choices:
            with suppress(ProviderError):
                await choice.engine.close()

    def _order(self, name: str | None) -> list[int]:
        """Return the engines by preference, those at rest last."""
        now = self._clock.monotonic()

        def rank(place: int) -> tuple[bool, bool]:
            return self._resting.get(place, now) > now, not self._knows(place, name)

        return sorted(range(len(self._choices)), key=rank)

    def _knows(self, place: int, name: str | None) -> bool:
        knows = self._choices[place].knows
        if name is None or knows is None:
            return place == 0
        return knows(name)

    def _rest(self, place: int, error: ProviderError) -> None:
        now = self._clock.monotonic()
        rested = self._resting.get(place, now) <= now
        self._resting[place] = now + self._rest_seconds
        logger.warning(
            "speech engine fails", extra={"engine": error.provider, "fault": error.fault.value}
        )
        if rested and len(self._choices) > 1:
            self._on_notice("speech_fallback", error.user_message)


def _stand_in(choice: SpeechChoice, voice: Voice) -> Voice:
    """Return the voice to ask an engine for that does not know the one wanted."""
    language = voice.language
    if language is None and voice.name and (match := _LANGUAGE.match(voice.name)):
        language = f"{match[1]}-{match[2]}"
    return replace(voice, name=choice.voice, language=language)


async def _listed(engine: TextToSpeech) -> Sequence[VoiceListing]:
    try:
        async with asyncio.timeout(_LISTING_SECONDS):
            return await engine.voices()
    except TimeoutError as error:
        sentence = f"The voice engine {engine.name} does not list its voices; try again."
        raise ProviderError(engine.name, ProviderFault.TIMEOUT, sentence) from error


async def _first(
    frames: AsyncGenerator[AudioFrame, None], choice: SpeechChoice
) -> AudioFrame | None:
    """Return the first frame, ``None`` when there is nothing to say. Raises ``ProviderError``."""
    try:
        async with asyncio.timeout(choice.first_frame_seconds):
            return await anext(frames, None)
    except TimeoutError as error:
        name, seconds = choice.engine.name, choice.first_frame_seconds
        raise ProviderError(
            name,
            ProviderFault.TIMEOUT,
            f"The voice engine {name} did not speak within {seconds:g} seconds; another one does.",
        ) from error
