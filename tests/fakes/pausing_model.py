"""A scripted model that stops in the middle of an answer until the test lets it go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.llm.model import ChatRequest, ContentDelta, ModelEvent
from tests.fakes.scripted_model import Playbook, ScriptedModel


class PausingModel(ScriptedModel):
    """Each of the first ``pauses`` answers waits after ``words`` words until ``go`` is set."""

    def __init__(self, playbook: Playbook, *, words: int = 1, pauses: int = 1) -> None:
        super().__init__(playbook)
        self.go = asyncio.Event()
        self._words = words
        self._pauses = pauses

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Follow the script, waiting where told."""
        number, said = len(self.requests), 0
        async with aclosing(super().stream(request)) as events:
            async for event in events:
                if isinstance(event, ContentDelta):
                    if said == self._words and number < self._pauses:
                        await self.go.wait()
                    said += 1
                yield event
