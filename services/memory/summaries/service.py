"""Summaries of long conversations: made in the background, of what was said and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from pydantic import BaseModel, Field

from services.domain.clock import Clock
from services.domain.errors import ProviderError
from services.domain.events import TurnConcluded
from services.domain.ids import ConversationId, IdSource, PersonaId
from services.events.bus import EventBus
from services.lifecycle import Supervisor
from services.llm.model import ChatRequest, Priority, PromptMessage, PromptRole, Sampling
from services.llm.structured import ask_typed
from services.llm.thinking import ModelSource, Prompts
from services.memory.recollections import Vectorizer
from services.memory.summaries import rows as rows
from services.memory.summaries.rows import Heard, Summary
from services.observability.metrics import Metrics
from services.settings import MemorySettings
from services.storage.database import Database

logger = logging.getLogger(__name__)

KEPT = 30
"""The newest messages are never summed up: prompts show them as they are."""
SEGMENT = 24
"""Messages one summary covers, at least."""
_LONGEST_SEGMENT = 60
_SEGMENT_CHARACTERS = 6000
_LINE_CHARACTERS = 600
_MAX_TOKENS = 320
_LONGEST = 1600
_DUE = 500
_CHECKED = 6
_SECONDS = 180.0


class _Answer(BaseModel):
    summary: str = Field(min_length=1, max_length=_LONGEST)


class Summaries:
    """Sums up what leaves prompts, per conversation and character, whenever the model is idle.

    A summary covers messages the character heard and is made of them alone, never of other
    summaries. It holds only while they say the same: after an edit, an undo or a swipe it is
    dropped and made anew. Without a model, or with one that fails, there is simply none.
    """

    def __init__(
        self,
        settings: MemorySettings,
        *,
        database: Database,
        models: ModelSource,
        model: str | None,
        prompts: Prompts,
        clock: Clock,
        ids: IdSource,
        bus: EventBus,
        index: Vectorizer,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._database = database
        self._models = models
        self._model = settings.learner or model
        self._prompts = prompts
        self._clock = clock
        self._ids = ids
        self._bus = bus
        self._index = index
        self._metrics = metrics
        self._due: OrderedDict[tuple[ConversationId, PersonaId], None] = OrderedDict()
        self._bell = asyncio.Event()
        self._supervisor = Supervisor()

    async def __aenter__(self) -> Self:
        self._supervisor = await Supervisor().__aenter__()
        if self._settings.enabled:
            self._supervisor.start("summaries listen", self._listen, restart=True)
            self._supervisor.start("summaries", self._work, restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)

    def apply(self, settings: MemorySettings) -> None:
        """Use ``settings`` from now on."""
        self._settings = settings

    async def recall(
        self, conversation: ConversationId, persona: PersonaId, *, newest: int
    ) -> list[Summary]:
        """Return the newest summaries that hold, oldest first."""
        async with self._database.reader() as snapshot:
            hold, broken = await snapshot.run(rows.standing, conversation, persona, newest=newest)
        if broken:
            self._note(conversation, persona)
        return hold

    async def summarise(
        self,
        conversation: ConversationId,
        persona: PersonaId,
        *,
        kept: int = KEPT,
        least: int = SEGMENT,
    ) -> int:
        """Sum up all but the ``kept`` newest messages now, in segments of ``least`` or more.

        Returns how many summaries were made. Raises ``ProviderError`` when the model fails; what
        was made before stays.
        """
        made = 0
        while True:
            segment = await self._next_segment(conversation, persona, kept=kept, least=least)
            if not segment:
                return made
            text = await self._ask(segment, conversation)
            if not await self._store(conversation, persona, segment, text):
                return made
            made += 1

    async def _listen(self) -> None:
        async with self._bus.subscribe("turn_concluded") as events:
            async for event in events:
                if isinstance(event, TurnConcluded) and self._settings.summaries:
                    self._note(event.conversation, event.persona)

    def _note(self, conversation: ConversationId, persona: PersonaId) -> None:
        self._due[conversation, persona] = None
        if len(self._due) > _DUE:
            self._due.popitem(last=False)
        self._bell.set()

    async def _work(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            while self._due:
                (conversation, persona), _ = self._due.popitem(last=False)
                try:
                    async with asyncio.timeout(_SECONDS):
                        await self.summarise(conversation, persona)
                except (ProviderError, TimeoutError) as error:
                    code = error.code if isinstance(error, ProviderError) else "too_late"
                    logger.info("nothing was summed up", extra={"code": code})
                    self._metrics.count("summaries_failed")

    async def _next_segment(
        self, conversation: ConversationId, persona: PersonaId, *, kept: int, least: int
    ) -> list[Heard]:
        async with self._database.reader() as snapshot:
            hold, broken = await snapshot.run(rows.standing, conversation, persona, newest=_CHECKED)
        if broken:
            first = broken[0].first_ordinal
            async with self._database.steps() as step:
                dropped = await step.run(rows.discard_from, conversation, persona, ordinal=first)
            await self._index.dropped(dropped)
            hold = [one for one in hold if one.last_ordinal < first]
        after = hold[-1].last_ordinal if hold else 0
        async with self._database.reader() as snapshot:
            heard = await snapshot.run(
                rows.heard_between,
                conversation,
                persona,
                after=after,
                limit=_LONGEST_SEGMENT + kept,
            )
        return _segment(heard, kept=kept, least=least)

    async def _ask(self, segment: Sequence[Heard], conversation: ConversationId) -> str:
        lines = [one.line[:_LINE_CHARACTERS] for one in segment]
        request = ChatRequest(
            messages=[
                PromptMessage(
                    role=PromptRole.USER,
                    content=self._prompts.render("memory/summary", lines=lines),
                    source="memory summary",
                )
            ],
            sampling=Sampling(max_tokens=_MAX_TOKENS, temperature=0.0),
            think=False,
            priority=Priority.BACKGROUND,
            tenant=f"{conversation.platform}:{conversation.scope}",
        )
        model = await self._models.get(self._model)
        answer = await ask_typed(model, request, _Answer)
        return " ".join(answer.summary.split())

    async def _store(
        self,
        conversation: ConversationId,
        persona: PersonaId,
        segment: Sequence[Heard],
        text: str,
    ) -> bool:
        summary = Summary(
            id=self._ids.new(),
            conversation=conversation,
            persona=persona,
            first_message=segment[0].id,
            last_message=segment[-1].id,
            first_ordinal=segment[0].ordinal,
            last_ordinal=segment[-1].ordinal,
            covers=rows.covers(segment),
            text=text,
            model=self._model or "",
            created_at=self._clock.now(),
        )
        async with self._database.steps() as step:
            stored = await step.run(rows.store, summary)
        if stored:
            self._index.wake()
            self._metrics.count("summaries_made")
        return stored


def _segment(heard: Sequence[Heard], *, kept: int, least: int) -> list[Heard]:
    """Return the oldest messages to be summed up together, none while there are too few."""
    ready = heard[: len(heard) - kept] if kept else heard
    if len(ready) < max(least, 1):
        return []
    segment: list[Heard] = []
    size = 0
    for one in ready[:_LONGEST_SEGMENT]:
        size += min(len(one.line), _LINE_CHARACTERS)
        if segment and size > _SEGMENT_CHARACTERS:
            break
        segment.append(one)
    return segment
