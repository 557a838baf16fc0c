"""One short answer from a model, timed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from services.doctor.check import Models
from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import ChatRequest, ContentDelta, PromptMessage, PromptRole, Sampling

# A model that reasons first needs room for that, or its answer stays empty.
_MOST_TOKENS = 512
_LONGEST_ANSWER = 300
_REQUEST = "Say hello in one short sentence."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An answer: ``first`` and ``total`` are the seconds to its first words and to its end."""

    model: str
    provider: str
    text: str
    first: float
    total: float


async def tried(models: Models, *, clock: Clock, seconds: float) -> Trial:
    """Ask the default model to say hello.

    Raises ``ProviderError``, ``TIMEOUT`` after ``seconds`` and ``EMPTY`` for an answer of nothing.
    """
    began = clock.monotonic()
    first: float | None = None
    text = ""
    try:
        async with asyncio.timeout(seconds):
            model = await models.get()
            async with aclosing(model.stream(_request())) as events:
                async for event in events:
                    if not isinstance(event, ContentDelta):
                        continue
                    first = clock.monotonic() - began if first is None else first
                    text += event.text
                    if len(text) > _LONGEST_ANSWER:
                        break
    except TimeoutError as error:
        raise ProviderError(
            "trial",
            ProviderFault.TIMEOUT,
            f"The model did not answer within {seconds:g} seconds; take a smaller one, or look at "
            "its server.",
        ) from error
    if first is None or not text.strip():
        raise ProviderError(
            "trial", ProviderFault.EMPTY, "The model answered with nothing; choose another one."
        )
    return Trial(
        model=model.info.name,
        provider=model.info.provider,
        text=" ".join(text.split()),
        first=first,
        total=clock.monotonic() - began,
    )


def _request() -> ChatRequest:
    message = PromptMessage(role=PromptRole.USER, content=_REQUEST, source="trial")
    return ChatRequest(
        messages=[message], sampling=Sampling(max_tokens=_MOST_TOKENS, temperature=0.0)
    )
