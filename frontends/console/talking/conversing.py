"""A talk over recordings or a microphone: each in a call of its own, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from frontends.console.talking.conclusion import Conclusion
from frontends.console.talking.events import EventLines, fields_of
from frontends.console.talking.timeline import Timeline
from frontends.console.talking.wav_input import WavInput
from frontends.console.talking.wav_output import Recording, WavOutput
from services.conversation.service import ConversationService
from services.domain.clock import Clock
from services.domain.errors import AcoreError, InvalidRequest
from services.domain.ids import ConversationId
from services.domain.people import Author, Role
from services.memory.embedding import Embedder
from services.persona.character import Persona
from services.voice.audio_io import AudioInput, AudioOutput
from services.voice.call_events import CallEvent
from services.voice.service import CallOpening, VoiceService

_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Talking:
    """Who talks to whom, and what shows it; ``embedder`` finds what is remembered."""

    voice: VoiceService
    conversations: ConversationService
    clock: Clock
    person: Author
    persona: str | None
    lines: EventLines
    kept: Recording | None = None
    embedder: Embedder | None = None

    async def warm(self, persona: Persona) -> None:
        """Make everything ready that the first answer needs. Raises ``AcoreError``.

        An embedder that cannot be loaded holds nobody up; it says so itself when it is needed.
        """
        if self.voice.status().ears is None:
            raise InvalidRequest("no_ears", "Nothing listens here: choose voice.ears.")
        await self.voice.warm()
        if self.embedder is not None:
            with suppress(AcoreError):
                await self.embedder.query(persona.name)
        await self.conversations.warm(persona)

    async def hear(self, name: str, pcm: bytes, *, place: ConversationId) -> None:
        """Talk over a recording until its last answer has ended; raises what the output raised."""
        timeline = Timeline(self.clock)
        recorded = WavInput(pcm, speaker=self.person, clock=self.clock, timeline=timeline)
        heard = WavOutput(clock=self.clock, timeline=timeline, kept=self.kept)
        conclusion = Conclusion(ends=self.clock.monotonic() + recorded.seconds)
        self.lines.heading(f"\n{name} ({recorded.seconds:.1f} s)")

        def take(event: CallEvent) -> None:
            conclusion.take(event, now=self.clock.monotonic())
            self._show(name, event, timeline)

        async with self._call(place, recorded, heard, take):
            await self._until(lambda: conclusion.reached(self.clock.monotonic()))
            recorded.end()
            seconds = max(timeline.now, recorded.seconds)
        if self.kept is not None:
            self.kept.end_part(seconds)
        self._check()

    async def listen(
        self, ears: AudioInput, mouth: AudioOutput, *, timeline: Timeline, place: ConversationId
    ) -> None:
        """Talk over a microphone until cancelled, or until nobody reads the lines."""

        def take(event: CallEvent) -> None:
            self._show("microphone", event, timeline)

        self.lines.heading("Speak now; Ctrl-C ends the talk.")
        async with self._call(place, ears, mouth, take):
            await self._until(lambda: False)
        self._check()

    @asynccontextmanager
    async def _call(
        self,
        place: ConversationId,
        ears: AudioInput,
        mouth: AudioOutput,
        take: Callable[[CallEvent], None],
    ) -> AsyncIterator[None]:
        if self.persona is not None:
            await self.conversations.choose_persona(
                place, self.persona, by=self.person, role=Role.OWNER
            )
        opening = CallOpening(
            conversation=place,
            present=lambda: frozenset({self.person.id}),
            role=lambda _: Role.OWNER,  # whoever has the process has everything
        )
        async with self.voice.call(opening, ears=ears, mouth=mouth, on_event=take):
            yield

    async def _until(self, over: Callable[[], bool]) -> None:
        """Wait for ``over``, which time alone may bring about, or until nobody reads the lines."""
        while not over() and self.lines.lost is None:  # noqa: ASYNC110  nothing tells of time
            await asyncio.sleep(_LOOK_SECONDS)

    def _show(self, name: str, event: CallEvent, timeline: Timeline) -> None:
        fields = fields_of(event, timeline=timeline)
        if fields is not None:
            self.lines.show(name, fields)

    def _check(self) -> None:
        if self.lines.lost is not None:
            raise self.lines.lost
        if self.kept is not None and self.kept.failure is not None:
            raise self.kept.failure
