"""Requests, settings and faults for tests of language models."""

from __future__ import annotations

from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import ChatRequest, PromptMessage, PromptRole, ToolSchema
from services.settings import LlmSettings

SAID = "Say hello, quietly."
HELLO = "Hello there."
"""What the scripted servers say unless told otherwise."""

SEARCH = ToolSchema(
    name="search",
    description="Finds pages.",
    parameters={"type": "object", "properties": {"q": {"anyOf": [{"type": "string"}]}}},
)
QUICK = LlmSettings(
    connect_timeout_seconds=0.5,
    first_token_timeout_seconds=0.3,
    stall_timeout_seconds=0.35,
    max_answer_seconds=0.5,
    max_answer_characters=200,
)
"""Patience for servers that fail on purpose."""


def saying(role: PromptRole, text: str, **fields) -> PromptMessage:
    return PromptMessage(role=role, content=text, source="test", **fields)


def asking(text: str = SAID, **fields) -> ChatRequest:
    messages = (saying(PromptRole.SYSTEM, "You are kind."), saying(PromptRole.USER, text))
    return ChatRequest(**{"messages": messages, **fields})


def fault(
    kind: ProviderFault | str, *, provider: str = "scripted", retry_after: float | None = None
) -> ProviderError:
    kind = ProviderFault(kind)
    return ProviderError(
        provider, kind, f"It failed: {kind}.", detail=f"detail of {kind}", retry_after=retry_after
    )
