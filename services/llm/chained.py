"""A model with others behind it, for when it fails before its first word."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from services.domain.errors import ProviderError, ProviderFault
from services.llm.model import (
    ChatModel,
    ChatRequest,
    Health,
    ModelEvent,
    ModelInfo,
    TokenCounter,
)
from services.llm.priority import Preempted
from services.llm.shortening import fitted
from services.llm.streamed_model import NotOpenedError
from services.llm.tool_text import describe_tools
from services.llm.wrapper import Passage
from services.observability.metrics import Metrics

logger = logging.getLogger(__name__)

Supplier = Callable[[], Awaitable[ChatModel]]
"""Gives a model, opened or not, when it is first needed; may raise ``ProviderError``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLink:
    """A model of a chain; ``name`` is what the settings, the log and the metrics call it."""

    name: str
    supply: Supplier


def link_to(name: str, model: ChatModel) -> ModelLink:
    """Return the link to a model that is there already."""

    async def supply() -> ChatModel:
        return model

    return ModelLink(name=name, supply=supply)


class ChainedModel:
    """Asks the first of ``links``, and the next when one fails before its first text or tool call.

    Any ``ProviderError`` makes the next one take over, also a request refused: another model may
    take it. A failed warm-up does not, nor a call that gave way to a conversation: it can wait.
    The other models are supplied and opened only when needed. When all fail, the error is that of
    the first and the log has the rest.

    ``info`` is that of the first model that is open, which prompts are packed for. A model with a
    smaller context gets the prompt cut down (see ``shortening.fitted``). ``Ended.model`` is the
    name of the link that answered. When another than the first begins to answer, ``on_fallback``
    gets both names, on each such answer. Metric: ``fallbacks{from,to}``.
    """

    def __init__(
        self,
        links: Sequence[ModelLink],
        *,
        tokens: TokenCounter,
        metrics: Metrics,
        on_fallback: Callable[[str, str], None],
    ) -> None:
        self._links = [_OpenedLink(link) for link in links]
        self._tokens = tokens
        self._metrics = metrics
        self._on_fallback = on_fallback

    @property
    def info(self) -> ModelInfo:
        """What is known of the first model that is open."""
        for link in self._links:
            if link.model is not None:
                return link.model.info
        raise NotOpenedError

    async def open(self) -> ModelInfo:
        """Open the first model that can be; raises the first's error when none can."""
        failures: list[_Failure] = []
        for link in self._links:
            try:
                return (await link.opened()).info
            except ProviderError as error:
                failures.append(_Failure(link.name, error))
        raise _all_failed(failures)

    async def probe(self) -> Health:
        """Say whether any of the models can answer now; never raises."""
        details: list[str] = []
        for link in self._links:
            health = await link.probe()
            if health.ok:
                return Health(ok=True, detail=" ".join([*details, health.detail]))
            details.append(health.detail)
        return Health(ok=False, detail=details[0])

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer ``request``; after the first text or tool call an error goes on."""
        packed_for = self.info.context_tokens
        passage = Passage()
        failures: list[_Failure] = []
        for link in self._links:
            try:
                async with aclosing(await self._begin(link, request, packed_for)) as events:
                    async for event in events:
                        if not passage.begun:
                            if not passage.admits(event):
                                continue
                            if event.kind != "reasoning":
                                self._announce(failures, link.name)
                        yield replace(event, model=link.name) if event.kind == "ended" else event
            except ProviderError as error:
                if passage.begun or request.prefill or isinstance(error, Preempted):
                    raise
                failures.append(_Failure(link.name, error))
            else:
                return
            passage.try_again()
        raise _all_failed(failures)

    async def _begin(
        self, link: _OpenedLink, request: ChatRequest, packed_for: int
    ) -> AsyncGenerator[ModelEvent, None]:
        model = await link.opened()
        return model.stream(self._fitted(request, model.info, packed_for))

    def _announce(self, failures: Sequence[_Failure], name: str) -> None:
        """Tell that another than the first model answers."""
        if not failures:
            return
        first = failures[0].name
        self._metrics.count("fallbacks", 1, **{"from": first, "to": name})
        told = failures[0].error.fault is ProviderFault.BREAKER_OPEN
        level = logging.INFO if told else logging.WARNING
        _log(level, "another model answers", failures, answering=name)
        self._on_fallback(first, name)

    def _fitted(self, request: ChatRequest, info: ModelInfo, packed_for: int) -> ChatRequest:
        if info.context_tokens >= packed_for:
            return request
        reply = min(request.sampling.max_tokens, info.context_tokens // 2)
        taken = reply + self._tokens.count(describe_tools(request.tools))
        budget = max(info.context_tokens - taken, info.context_tokens // 4)
        messages = fitted(request.messages, budget=budget, counter=self._tokens)
        sampling = replace(request.sampling, max_tokens=reply)
        return replace(request, messages=messages, sampling=sampling)


class _OpenedLink:
    """A link's model, supplied and opened once; a failure is tried anew by the next call."""

    def __init__(self, link: ModelLink) -> None:
        self.name = link.name
        self.model: ChatModel | None = None
        self._supply = link.supply
        self._supplied: ChatModel | None = None
        self._supplying = asyncio.Lock()

    async def opened(self) -> ChatModel:
        """Return the opened model. Raises ``ProviderError``."""
        if self.model is None:
            model = await self._there()
            await model.open()
            self.model = model
        return self.model

    async def probe(self) -> Health:
        """Say whether the model can answer now; never raises ``ProviderError``."""
        try:
            return await (await self._there()).probe()
        except ProviderError as error:
            return Health(ok=False, detail=error.user_message)

    async def _there(self) -> ChatModel:
        async with self._supplying:
            if self._supplied is None:
                self._supplied = await self._supply()
        return self._supplied


@dataclass(frozen=True, slots=True)
class _Failure:
    name: str
    error: ProviderError

    def __str__(self) -> str:
        return f"{self.name}: {self.error.code} {self.error.detail}".rstrip()


def _all_failed(failures: Sequence[_Failure]) -> ProviderError:
    """Log every failure and return the error to raise: the first model's own."""
    if len(failures) > 1:
        _log(logging.WARNING, "no model answered", failures)
    return failures[0].error


def _log(
    level: int, event: str, failures: Sequence[_Failure], answering: str | None = None
) -> None:
    logger.log(
        level, event, extra={"failures": [str(each) for each in failures], "answering": answering}
    )
