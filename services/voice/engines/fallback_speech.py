"""Several engines as one: the first that begins in time speaks the sentence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from services.domain.audio import AudioFrame
from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
from services.voice.synthesis import TextToSpeech, Voice, VoiceListing

logger = logging.getLogger(__name__)

_REST_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechChoice:
    """An engine and the seconds it has for its first frame; ``None`` leaves it all it takes.

    ``voice`` is what it is asked for when it stands in for the first one.
    """

    engine: TextToSpeech
    first_frame_seconds: float | None = None
    voice: str | None = None


class FallbackSpeech:
    """A ``TextToSpeech`` over ``choices`` in their order of preference.

    A sentence is never changed over in the middle: once a frame has come, failures go on to the
    caller. An engine that failed or was late is left alone for ``rest_seconds`` as long as another
    one can speak. ``on_notice`` hears a code and a sentence for people when an engine is given up
    for a while.
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
        """Make all engines ready. Raises ``ProviderError`` when none of them is."""
        opened = await asyncio.gather(
            *(choice.engine.open() for choice in self._choices), return_exceptions=True
        )
        failures = [error for error in opened if isinstance(error, BaseException)]
        for place, error in enumerate(opened):
            if isinstance(error, ProviderError):
                self._rest(place, error)
            elif isinstance(error, BaseException):
                raise error
        if len(failures) == len(self._choices):
            raise failures[-1]

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        """Yield the speech of the first engine that begins in time.

        Raises the last engine's ``ProviderError`` when none does.
        """
        failure: ProviderError | None = None
        for place in self._order():
            choice = self._choices[place]
            wanted = voice if place == 0 else replace(voice, name=choice.voice)
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
        """List the voices of the preferred engine. Raises ``ProviderError``."""
        return await self._choices[0].engine.voices()

    async def close(self) -> None:
        """Close all engines."""
        for choice in self._choices:
            with suppress(ProviderError):
                await choice.engine.close()

    def _order(self) -> list[int]:
        """Return the engines by preference, those at rest last."""
        now = self._clock.monotonic()
        places = range(len(self._choices))
        return sorted(places, key=lambda place: self._resting.get(place, now) > now)

    def _rest(self, place: int, error: ProviderError) -> None:
        now = self._clock.monotonic()
        rested = self._resting.get(place, now) <= now
        self._resting[place] = now + self._rest_seconds
        logger.warning(
            "speech engine fails", extra={"engine": error.provider, "fault": error.fault.value}
        )
        if rested and len(self._choices) > 1:
            self._on_notice("speech_fallback", error.user_message)


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
