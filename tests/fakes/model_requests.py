"""Requests, faults and readers for tests of language models."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field

from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import (
    ChatModel,
    ChatRequest,
    Ended,
    ModelEvent,
    PromptMessage,
    PromptRole,
)


def saying(role: PromptRole, text: str, **fields) -> PromptMessage:
    return PromptMessage(role=role, content=text, source="test", **fields)


def asking(text: str = "Say hello.", **fields) -> ChatRequest:
    system = saying(PromptRole.SYSTEM, "You are kind.")
    return ChatRequest(messages=(system, saying(PromptRole.USER, text)), **fields)


def fault(
    kind: ProviderFault | str, *, provider: str = "scripted", retry_after: float | None = None
) -> ProviderError:
    kind = ProviderFault(kind)
    return ProviderError(
        provider, kind, f"It failed: {kind}.", detail=f"detail of {kind}", retry_after=retry_after
    )


@dataclass
class Heard:
    """What came of one stream."""

    events: list[ModelEvent] = field(default_factory=list)
    error: ProviderError | None = None

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if event.kind == "content")

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.events if event.kind == "reasoning")

    @property
    def ended(self) -> Ended:
        last = self.events[-1]
        assert isinstance(last, Ended)
        return last

    @property
    def fault(self) -> ProviderFault | None:
        return self.error.fault if self.error else None


async def hear(model: ChatModel, request: ChatRequest | None = None) -> Heard:
    """Read one answer to its end or failure."""
    heard = Heard()
    try:
        async with aclosing(model.stream(request or asking())) as events:
            async for event in events:
                heard.events.append(event)
    except ProviderError as error:
        heard.error = error
    return heard
