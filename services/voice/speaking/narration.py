"""Synthesising clauses one after the other, somewhat ahead of what is heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from services.domain.audio import AudioFrame
from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
from services.voice.mixing.speech_track import SpeechTrack
from services.voice.speaking.playback import Playback, Sounding
from services.voice.speaking.script import Clause
from services.voice.synthesis import TextToSpeech, Voice

logger = logging.getLogger(__name__)

_SHORTEST_WAIT = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrationLimits:
    """How far an engine works ahead and how long it is waited for; seconds.

    A clause is begun when at most ``begin_below`` of sound is left to play, and with ``most_ahead``
    left the engine waits. It has ``patience`` for each frame; after ``most_failures`` in a row
    nothing more is tried.
    """

    begin_below: float = 10.0
    most_ahead: float = 20.0
    patience: float = 15.0
    most_failures: int = 3


class Narration:
    """Takes clauses from ``following`` until it returns ``None`` and puts their sound on a track.

    ``on_failure`` hears of each clause the engine fails at or has no sound for; what it had said
    of it is played, and the next one is tried. ``voice_of`` says how a clause is to sound.
    """

    def __init__(
        self,
        following: Callable[[], Awaitable[Clause | None]],
        *,
        track: SpeechTrack,
        speech: TextToSpeech,
        voice_of: Callable[[Clause], Voice],
        clock: Clock,
        limits: NarrationLimits,
        on_failure: Callable[[ProviderError], None],
    ) -> None:
        self._following = following
        self._track = track
        self._speech = speech
        self._voice_of = voice_of
        self._clock = clock
        self._limits = limits
        self._on_failure = on_failure
        self._scope: asyncio.Timeout | None = None
        self._stopped = False
        self.playback = Playback()
        self.busy = False
        self.whole = False

    async def run(self) -> None:
        """Work until all is said, until ``stop`` or until cancelled.

        After either of these nothing is written to the track, and the engine's work is ended.
        ``whole`` is true once every clause was said without a failure.
        """
        if self._stopped:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as self._scope:
                try:
                    await self._say_all()
                finally:
                    self._scope = None

    def stop(self) -> None:
        """Write nothing more, and end ``run`` from within."""
        self._stopped = True
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())
            self._scope = None

    async def _say_all(self) -> None:
        failed, failures = False, 0
        while (clause := await self._following()) is not None:
            self.busy = True
            try:
                await self._room(self._limits.begin_below)
                await self._say(clause)
            except ProviderError as error:
                failed, failures = True, failures + 1
                logger.warning("a clause is not spoken", extra={"fault": error.fault.value})
                self._on_failure(error)
                if failures >= self._limits.most_failures:
                    return
            else:
                failures = 0
            finally:
                self.busy = False
        self.whole = not failed

    async def _say(self, clause: Clause) -> None:
        sounding: Sounding | None = None
        try:
            async with aclosing(
                self._speech.synthesize(clause.speech, voice=self._voice_of(clause))
            ) as frames:
                while (frame := await self._next(frames)) is not None:
                    await self._room(self._limits.most_ahead)
                    if self._stopped:
                        return
                    sounding = sounding or self._begin(clause)
                    self._track.write(frame)
                    sounding.seconds += frame.seconds
        except ProviderError:
            self._close(sounding)
            raise
        if sounding is None:
            raise self._failure(ProviderFault.EMPTY, "gave no sound for a sentence")
        sounding.whole = True
        self._close(sounding)

    async def _next(self, frames: AsyncGenerator[AudioFrame, None]) -> AudioFrame | None:
        """Return the next frame that has sound, if there is one. Raises ``ProviderError``."""
        try:
            async with asyncio.timeout(self._limits.patience):
                async for frame in frames:
                    if frame.pcm:
                        return frame
        except TimeoutError as error:
            fault = f"gave no sound within {self._limits.patience:g} seconds"
            raise self._failure(ProviderFault.TIMEOUT, fault) from error
        return None

    async def _room(self, most: float) -> None:
        """Wait until at most ``most`` seconds of sound are left to play."""
        excess = self._track.pending - most
        while excess > 0:
            await asyncio.sleep(max(excess, _SHORTEST_WAIT))
            excess = self._track.pending - most

    def _begin(self, clause: Clause) -> Sounding:
        sounding = self.playback.begin(clause, at=self._clock.monotonic())
        self._track.begin(len(self.playback))
        return sounding

    def _close(self, sounding: Sounding | None) -> None:
        if sounding is not None and not self._stopped:
            self._track.end()

    def _failure(self, fault: ProviderFault, what: str) -> ProviderError:
        name = self._speech.name
        return ProviderError(
            name, fault, f"The voice engine {name} {what}; check it or choose another voice."
        )
