"""A model that is asked otherwise when its answer was empty."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from services.domain.errors import ProviderError, ProviderFault
from services.domain.replies import Usage
from services.llm.model import ChatModel, ChatRequest, Ended, ModelEvent
from services.llm.shortening import last_exchange
from services.llm.wrapper import ModelWrapper, Passage
from services.observability.metrics import Metrics

logger = logging.getLogger(__name__)

_NOTHING = Ended(finish="stop", usage=Usage())


class InsistentModel(ModelWrapper):
    """Asks again, up to four times in all, when neither text nor a tool call came.

    An answer cut off by its length, which thinking ate up, is asked for without thinking, then
    also with a shorter prompt (system messages and the last exchange) and twice the tokens, at
    most half the context. An answer that just stopped is asked for once more as it was. After that
    the error is ``EMPTY``. White space alone is no text; it is held back until text follows. Of the
    tries that came to nothing only reasoning may have been seen; their usage is part of the last
    ``Ended``. A prefill passes untouched. Metric: ``empty_answers{model,finish}``.
    """

    def __init__(self, inner: ChatModel, metrics: Metrics) -> None:
        super().__init__(inner)
        self._metrics = metrics

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer ``request``; raises what the model inside raises, or ``EMPTY``."""
        passage = Passage()
        ladder = _Ladder(request, self._inner.info.context_tokens)
        usage = Usage()
        while True:
            ended = _NOTHING
            held: list[ModelEvent] = []
            async with aclosing(self._inner.stream(ladder.request)) as events:
                async for event in events:
                    if event.kind == "ended":
                        ended = event
                    elif passage.begun or not _kept_back(event, passage, held):
                        if held and event.kind != "reasoning":
                            for early in held:
                                yield early
                            held.clear()
                        yield event
            usage += ended.usage
            if passage.begun or request.prefill:
                yield replace(ended, usage=usage)
                return
            self._note(ended)
            if not ladder.step(ended):
                raise self._empty()
            passage.try_again()

    def _note(self, ended: Ended) -> None:
        model = self._inner.info.name
        self._metrics.count("empty_answers", model=model, finish=ended.finish)
        logger.info("the answer was empty", extra={"model": model, "finish": ended.finish})

    def _empty(self) -> ProviderError:
        return ProviderError(
            self._inner.info.provider,
            ProviderFault.EMPTY,
            "The model gave an empty answer; try again, or choose another model.",
            detail="every try ended without text",
        )


def _kept_back(event: ModelEvent, passage: Passage, held: list[ModelEvent]) -> bool:
    """Hold white space in ``held``; say whether ``event`` is not for the reader now."""
    if event.kind == "content" and not event.text.strip():
        held.append(event)
        return True
    return not passage.admits(event)


@dataclass(slots=True)
class _Ladder:
    """What is asked next; ``request`` is what is asked now."""

    request: ChatRequest
    context_tokens: int
    repeated: bool = False
    shortened: bool = False

    def step(self, ended: Ended) -> bool:
        """Choose the next request by how the last try ended; false when there is none."""
        if ended.finish != "length":
            again, self.repeated = not self.repeated, True
            return again
        if self.request.think is not False:
            self.request = replace(self.request, think=False)
            return True
        if self.shortened:
            return False
        self.shortened = True
        sampling = self.request.sampling
        doubled = min(2 * sampling.max_tokens, self.context_tokens // 2)
        self.request = replace(
            self.request,
            messages=last_exchange(self.request.messages),
            sampling=replace(sampling, max_tokens=max(sampling.max_tokens, doubled)),
        )
        return True
