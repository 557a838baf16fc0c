"""Any engine's speech in another voice, piece by piece while it is spoken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager

from services.domain.audio import AudioClip, AudioFrame
from services.domain.clock import Clock
from services.domain.errors import ProviderError
from services.voice.engines.conversion import ConversionTarget, VoiceConverter
from services.voice.engines.pcm import frames_of
from services.voice.engines.stitching import Cutter, Joiner, Piece
from services.voice.pcm import from_pcm, to_pcm
from services.voice.synthesis import TextToSpeech, Voice, VoiceListing

logger = logging.getLogger(__name__)

_MOST_SLOW = 2
_REST_SECONDS = 300.0
_LEAST_TIMEOUT = 3.0
_TIMEOUT_PER_SECOND = 4.0
_TOO_SLOW = "Voice conversion is slower than speech; the character keeps its own voice for now."
_FAILS = "Voice conversion fails ({}); the character keeps its own voice for now."


class ConvertedSpeech:
    """A ``TextToSpeech`` that lets ``inner`` speak and ``converter`` change its voice.

    When converting took longer than the sound lasts twice in a row, sentences pass unconverted for
    ``rest_seconds``, from the next one on; when it fails, the rest of the sentence does too.
    ``on_notice`` hears a code and a sentence for people, once each time.
    """

    def __init__(
        self,
        inner: TextToSpeech,
        converter: VoiceConverter,
        target: ConversionTarget,
        *,
        clock: Clock,
        on_notice: Callable[[str, str], None],
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        self._inner = inner
        self._converter = converter
        self._target = target
        self._clock = clock
        self._on_notice = on_notice
        self._rest_seconds = rest_seconds
        self._slow = 0
        self._bypassed_until: float | None = None
        self._trouble: str | None = None
        self._watchers: list[Callable[[str | None], None]] = []

    @property
    def name(self) -> str:
        """Both engines' names and the voice's, such as ``piper+rvc:nora``."""
        return f"{self._inner.name}+{self._converter.name}:{self._target.model}"

    @property
    def bypassed(self) -> bool:
        """Whether sentences pass unconverted now."""
        until = self._bypassed_until
        return until is not None and self._clock.monotonic() < until

    @contextmanager
    def watched(self, tell: Callable[[str | None], None], /) -> Iterator[None]:
        """Have ``tell`` called on the loop while entered; it must be quick.

        It hears a sentence when converting stops, or has stopped before, and ``None`` when a piece
        was converted in time again, however often that was tried in vain meanwhile.
        """
        self._watchers.append(tell)
        if self._trouble is not None:
            tell(self._trouble)
        try:
            yield
        finally:
            self._watchers.remove(tell)

    async def open(self) -> None:
        """Make both engines ready. Raises the inner one's ``ProviderError``."""
        await self._inner.open()
        try:
            await self._converter.open()
        except ProviderError as error:
            self._bypass(_FAILS.format(error.user_message.rstrip(".")))

    async def synthesize(self, text: str, /, *, voice: Voice) -> AsyncGenerator[AudioFrame, None]:
        """Yield the speech; closing stops both engines. Raises ``ProviderError``."""
        at = 0.0
        async with aclosing(self._sounds(text, voice)) as sounds:
            async for pcm, rate in sounds:
                frame = AudioFrame(pcm=pcm, rate=rate, channels=1, started_at=at)
                at += frame.seconds
                yield frame

    async def voices(self) -> Sequence[VoiceListing]:
        """List the inner engine's voices. Raises ``ProviderError``."""
        return await self._inner.voices()

    async def close(self) -> None:
        """Close both engines."""
        await self._inner.close()
        await self._converter.close()

    async def _sounds(self, text: str, voice: Voice) -> AsyncGenerator[tuple[bytes, int], None]:
        line: _Line | None = None
        async with aclosing(self._inner.synthesize(text, voice=voice)) as frames:
            async for frame in frames:
                if line is None:
                    line = _Line(frame.rate, converting=not self.bypassed)
                for sound in line.bypassing(frame.pcm):
                    yield sound
                while (piece := line.take()) is not None:
                    for sound in await self._converted(line, piece):
                        yield sound
        if line is not None:
            if (piece := line.take(last=True)) is not None:
                for sound in await self._converted(line, piece):
                    yield sound
            for sound in line.rest():
                yield sound

    async def _converted(self, line: _Line, piece: Piece) -> list[tuple[bytes, int]]:
        clip = AudioClip(pcm=to_pcm(piece.samples), rate=line.rate)
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(_LEAST_TIMEOUT + _TIMEOUT_PER_SECOND * clip.seconds):
                made = await self._converter.convert(clip, target=self._target)
        except TimeoutError:
            self._bypass(_TOO_SLOW)
            return line.give_up(piece)
        except ProviderError as error:
            self._bypass(_FAILS.format(error.user_message.rstrip(".")))
            return line.give_up(piece)
        self._judge(self._clock.monotonic() - began, clip.seconds)
        return line.joined(made, piece)

    def _judge(self, took: float, lasts: float) -> None:
        self._slow = self._slow + 1 if took > lasts else 0
        if self._slow >= _MOST_SLOW:
            self._bypass(_TOO_SLOW)
        elif self._trouble is not None and not self._slow and not self.bypassed:
            self._turn(None)

    def _bypass(self, sentence: str) -> None:
        told = self.bypassed
        self._slow = 0
        self._bypassed_until = self._clock.monotonic() + self._rest_seconds
        if not told:
            logger.warning("voice conversion bypassed", extra={"converter": self._converter.name})
            self._on_notice("conversion_bypassed", sentence)
        if self._trouble is None:
            self._turn(sentence)

    def _turn(self, trouble: str | None) -> None:
        self._trouble = trouble
        for tell in tuple(self._watchers):
            tell(trouble)


class _Line:
    """One sentence on its way through the converter, or past it."""

    def __init__(self, rate: int, *, converting: bool) -> None:
        self.rate = rate
        self._converting = converting
        self._cutter = Cutter(rate)
        self._joiner: Joiner | None = None
        self._made_rate = rate

    def bypassing(self, pcm: bytes) -> list[tuple[bytes, int]]:
        """Take some sound; return it when it is not to be converted."""
        if not self._converting:
            return [(pcm, self.rate)]
        self._cutter.add(from_pcm(pcm))
        return []

    def take(self, *, last: bool = False) -> Piece | None:
        """Return what to convert next."""
        return self._cutter.take(last=last) if self._converting else None

    def joined(self, made: AudioClip, piece: Piece) -> list[tuple[bytes, int]]:
        """Return what can be heard of a converted piece."""
        if self._joiner is None:
            self._joiner, self._made_rate = Joiner(made.rate), made.rate
        scale = made.rate / self.rate
        wanted = round(len(piece.samples) * scale)
        samples = from_pcm(made.pcm)[:wanted]
        heard = self._joiner.add(samples, context=round(piece.context * scale), last=piece.last)
        return [(pcm, made.rate) for pcm in frames_of(heard, made.rate)]

    def give_up(self, piece: Piece) -> list[tuple[bytes, int]]:
        """Return what is left, unconverted; nothing of this sentence is converted any more."""
        self._converting = False
        sounds = self.rest()
        plain = [piece.samples[piece.context :]]
        if (left := self._cutter.take(last=True)) is not None:
            plain.append(left.samples[left.context :])
        for samples in plain:
            sounds += [(pcm, self.rate) for pcm in frames_of(samples, self.rate)]
        return sounds

    def rest(self) -> list[tuple[bytes, int]]:
        """Return what was held back for a next piece."""
        if self._joiner is None:
            return []
        return [(pcm, self._made_rate) for pcm in frames_of(self._joiner.flush(), self._made_rate)]
