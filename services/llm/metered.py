"""A model whose answers are counted and timed, and whose lost prompts are noticed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from services.domain.errors import ProviderError
from services.domain.replies import Usage
from services.llm.model import ChatModel, ChatRequest, ModelEvent, ModelInfo
from services.llm.shortfall import ShortfallWatch, prompt_tokens
from services.llm.tokens import CalibratedTokens
from services.llm.wrapper import ModelWrapper
from services.observability.metrics import Metrics

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Answer:
    """What was seen of one answer."""

    first: float | None = None
    reasoned: bool = False
    said: bool = False
    usage: Usage | None = None

    def take(self, event: ModelEvent, now: float) -> None:
        if event.kind == "ended":
            self.usage = event.usage
            return
        if self.first is None:
            self.first = now
        if event.kind == "reasoning":
            self.reasoned = True
        else:
            self.said = True


class MeteredModel(ModelWrapper):
    """Passes everything through and notes it under the model's endpoint and name.

    Times run from the call to ``stream``, so waiting for the server's turn is part of them; those
    of warm-ups and of answers that failed or were left early are not recorded. When the server
    read much less than it was sent (see ``ShortfallWatch``), that is logged and counted, and
    ``on_notice`` gets a code and a sentence, once per model and ``metrics``.
    """

    def __init__(
        self,
        inner: ChatModel,
        *,
        metrics: Metrics,
        tokens: CalibratedTokens | None,
        on_notice: Callable[[str, str], None],
    ) -> None:
        super().__init__(inner)
        self._metrics = metrics
        self._on_notice = on_notice
        self._watch = ShortfallWatch(tokens) if tokens is not None else None

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer ``request``; raises what the model inside raises."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = _Answer()
        outcome = "error"
        try:
            async with aclosing(self._inner.stream(request)) as events:
                async for event in events:
                    answer.take(event, loop.time())
                    if event.kind == "ended":
                        outcome = "ok"
                    yield event
        except ProviderError as error:
            outcome = error.fault.value
            raise
        except (asyncio.CancelledError, GeneratorExit):
            outcome = outcome if outcome == "ok" else "cancelled"
            raise
        finally:
            self._note(request, answer, outcome, began=began, ended=loop.time())

    def _note(
        self, request: ChatRequest, answer: _Answer, outcome: str, *, began: float, ended: float
    ) -> None:
        info = self._inner.info
        endpoint, model = info.provider, info.name
        metrics = self._metrics
        if request.prefill:
            metrics.count("llm_prefills", endpoint=endpoint, model=model, outcome=outcome)
        else:
            metrics.count("llm_requests", endpoint=endpoint, model=model, outcome=outcome)
        if answer.usage is None:
            return
        usage = answer.usage
        metrics.count("llm_prompt_tokens", usage.prompt_tokens, endpoint=endpoint, model=model)
        metrics.count(
            "llm_cached_prompt_tokens", usage.cached_tokens, endpoint=endpoint, model=model
        )
        metrics.count(
            "llm_completion_tokens", usage.completion_tokens, endpoint=endpoint, model=model
        )
        self._compare(request, usage, info)
        if request.prefill:
            return
        kind = request.priority.name.lower()
        if answer.first is not None:
            seconds = answer.first - began
            metrics.time(
                "llm_first_token_seconds", seconds, endpoint=endpoint, model=model, priority=kind
            )
        metrics.time(
            "llm_request_seconds", ended - began, endpoint=endpoint, model=model, priority=kind
        )
        reasoning = "yes" if answer.reasoned else "no"
        metrics.count("llm_answers", endpoint=endpoint, model=model, reasoning=reasoning)
        if not answer.said:
            metrics.count("llm_empty_replies", endpoint=endpoint, model=model)

    def _compare(self, request: ChatRequest, usage: Usage, info: ModelInfo) -> None:
        if self._watch is None:
            return
        lost = self._watch.lost(request, usage, info.context_tokens)
        if not lost:
            return
        read = prompt_tokens(usage)
        endpoint, model = info.provider, info.name
        known = self._metrics.counted("prompt_shortfall", endpoint=endpoint, model=model)
        self._metrics.count("prompt_shortfall", endpoint=endpoint, model=model)
        logger.warning(
            "the model's server read less of the prompt than was sent",
            extra={"model": info.name, "read": read, "lost": lost, "num_ctx": info.context_tokens},
        )
        if not known:
            self._on_notice("prompt_shortfall", _advice(info, read, lost))


def _advice(info: ModelInfo, read: int, lost: int) -> str:
    window = 1 << max(10, (read - 1).bit_length())
    return (
        f"The model {info.name} read only {read:,} tokens of a prompt and lost about {lost:,}, so "
        f"it forgets who it is: give its server a context of {info.context_tokens:,} tokens, or "
        f"set num_ctx (context_tokens for hosted models) to what it has, probably {window:,}."
    )
