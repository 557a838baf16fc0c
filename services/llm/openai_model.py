"""Models served over OpenAI's API: OpenAI, OpenRouter, Requesty, vLLM, llama.cpp."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from services.domain.clock import Clock
from services.domain.errors import ProviderError
from services.domain.replies import Usage
from services.llm.answer import Line
from services.llm.model import ChatRequest, Ended, ModelEvent, ModelInfo
from services.llm.openai_connection import OpenAiConnection
from services.llm.openai_faults import PartRefused, missing
from services.llm.openai_kinds import kind_of
from services.llm.openai_listing import HostedListing, list_models
from services.llm.openai_wire import AnswerReader, Dialect, chat_body
from services.llm.priority import ProviderLane
from services.llm.streamed_model import StreamedModel
from services.llm.tokens import CalibratedTokens
from services.settings import LlmSettings

logger = logging.getLogger(__name__)


class OpenAiModel(StreamedModel):
    """A ``ChatModel`` on an OpenAI-compatible endpoint; constructing it does no I/O.

    ``name`` ``None`` takes the endpoint's only model, or its first where it is a local server.
    ``context_tokens`` is packed for unless the server says it has less. What a server refuses (a
    parameter, tools, pictures, a schema) is left out, or told as text, from then on. Its
    ``connection`` is shared and closed by its owner.
    """

    def __init__(
        self,
        name: str | None,
        *,
        connection: OpenAiConnection,
        settings: LlmSettings,
        context_tokens: int,
        clock: Clock,
        lane: ProviderLane,
        tokens: CalibratedTokens | None = None,
    ) -> None:
        super().__init__(
            connection=connection, settings=settings, clock=clock, lane=lane, tokens=tokens
        )
        self._name = name
        self._connection = connection
        self._context_tokens = context_tokens
        self._kind = kind_of(connection.endpoint.provider)
        self._dialect = Dialect()

    async def stream(self, request: ChatRequest, /) -> AsyncGenerator[ModelEvent, None]:
        """Answer as ``StreamedModel`` does; a prefill ends at once, as no prefix is kept for us."""
        if request.prefill:
            yield Ended(finish="stop", usage=Usage())
            return
        async with aclosing(super().stream(request)) as events:
            async for event in events:
                yield event

    async def _lines(self, request: ChatRequest) -> AsyncGenerator[Line, None]:
        client = await self._connection.client()
        body = chat_body(request, self.info, self._kind, self._dialect)
        return _read(client.data(body))

    def _learn(self, error: ProviderError, request: ChatRequest) -> bool:
        if not isinstance(error, PartRefused):
            return False
        sent = chat_body(request, self.info, self._kind, self._dialect)
        for part in error.parts:
            if self._without(part, request, set(sent)):
                logger.warning(
                    "the model's server refused a part of the request, which is left out now",
                    extra={"provider": self.info.provider, "model": self.info.name, "part": part},
                )
                return True
        return False

    def _without(self, part: str, request: ChatRequest, sent: set[str]) -> bool:
        """Do without ``part`` from now on; return whether that changes ``request``."""
        info, dialect = self.info, self._dialect
        if part == "tools" and "tools" in sent:
            self._info = replace(info, tools=False)
        elif part == "images" and info.vision and any(each.images for each in request.messages):
            self._info = replace(info, vision=False)
        elif part == "think" and sent & {
            name for each in self._kind.thinking[bool(request.think)] for name in each
        }:
            self._dialect = replace(dialect, efforts=dialect.efforts + 1)
        elif part == "max_tokens" and part in sent:
            self._dialect = replace(dialect, completion_tokens=True)
        elif part in sent:
            self._dialect = replace(dialect, refused=dialect.refused | {part})
        return self._info is not info or self._dialect is not dialect

    async def _ask(self) -> ModelInfo:
        known = self._name or (self._info.name if self._info else None)
        return self._described(self._chosen(known, await list_models(self._connection)))

    def _chosen(self, name: str | None, listed: Sequence[HostedListing] | None) -> HostedListing:
        """Return the model called ``name``, or the one to take when none is named."""
        if name is None:
            if listed and (len(listed) == 1 or self._kind.takes_first):
                return listed[0]
            raise missing(self._connection.endpoint, None)
        provider = self._connection.endpoint.provider
        # OpenRouter lists neither variants, such as `name:nitro`, nor presets, `@preset/name`.
        plain = name.partition(":")[0] if provider == "openrouter" else name
        for each in listed or ():
            if each.name in (name, plain):
                return replace(each, name=name)
        if not listed or plain.startswith("@"):
            return HostedListing(name=name)
        if provider == "llamacpp" and len(listed) == 1:
            return replace(listed[0], name=name)  # it answers whatever name is asked for
        raise missing(self._connection.endpoint, name)

    def _described(self, found: HostedListing) -> ModelInfo:
        """Return what is known; what is not is assumed to work until it is refused."""
        known = self._info
        return ModelInfo(
            provider=self._connection.endpoint.provider,
            name=found.name,
            context_tokens=min(self._context_tokens, found.context_tokens or self._context_tokens),
            tools=found.tools is not False and (known is None or known.tools),
            vision=found.vision is not False and (known is None or known.vision),
            thinking=found.thinking is not False,
            size_bytes=found.size_bytes,
            parameters=found.parameters,
        )


async def _read(data: AsyncGenerator[bytes, None]) -> AsyncGenerator[Line, None]:
    reader = AnswerReader()
    async with aclosing(data):
        async for each in data:
            yield reader.read(each)
