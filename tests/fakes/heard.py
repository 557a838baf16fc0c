"""What a reader gets of a model's answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from services.domain.calls import ToolCall
from services.domain.errors import ProviderError
from services.llm.model import ContentDelta, Ended, ModelEvent, ReasoningDelta, ToolCalled


@dataclass
class Heard:
    """The parts of an answer, and how it ended."""

    content: str = ""
    reasoning: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    ended: Ended | None = None
    fault: ProviderError | None = None


async def hear(events: AsyncGenerator[ModelEvent, None]) -> Heard:
    """Read ``events`` to their end."""
    heard = Heard()
    async with aclosing(events):
        try:
            async for event in events:
                assert heard.ended is None, "nothing comes after the end"
                if isinstance(event, ContentDelta):
                    heard.content += event.text
                elif isinstance(event, ReasoningDelta):
                    heard.reasoning += event.text
                elif isinstance(event, ToolCalled):
                    heard.calls.append(event.call)
                else:
                    heard.ended = event
        except ProviderError as error:
            heard.fault = error
    return heard
