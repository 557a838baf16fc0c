"""Models served over Ollama's API, by Ollama or by the built-in server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.answer import Line, StreamedAnswer
from services.llm.model import ChatRequest, ModelInfo
from services.llm.ollama_connection import HostSource, OllamaConnection
from services.llm.ollama_faults import missing, unreachable
from services.llm.ollama_wire import chat_body, chat_headers, read_line
from services.llm.priority import Lease, ProviderLane
from services.llm.stream_faults import loading
from services.llm.streamed_model import NotOpenedError as NotOpenedError
from services.llm.streamed_model import StreamedModel
from services.llm.tokens import CalibratedTokens
from services.settings import LlmSettings

if TYPE_CHECKING:
    from ollama import ShowResponse

    from services.llm.ollama_sdk import OllamaClient

_ASK_SECONDS = 15.0
_PEEK_SECONDS = 2.0
_CANDIDATES = 8


class OllamaModel(StreamedModel):
    """A ``ChatModel`` on an Ollama server; constructing it does no I/O.

    ``name`` ``None`` takes a model that is running, else the server's first. Every call sends the
    same ``num_ctx``: the smaller of the one given and what the model was trained for. Tools go the
    native way where the model has it, else as text. ``host`` may be a connection shared with other
    models, which then is closed by its owner.
    """

    def __init__(
        self,
        name: str | None,
        *,
        host: str | HostSource | OllamaConnection,
        settings: LlmSettings,
        num_ctx: int,
        clock: Clock,
        lane: ProviderLane,
        tokens: CalibratedTokens | None = None,
    ) -> None:
        self._name = name
        self._num_ctx = num_ctx
        self._owned = not isinstance(host, OllamaConnection)
        self._connection = (
            host
            if isinstance(host, OllamaConnection)
            else OllamaConnection(host, connect_timeout=settings.connect_timeout_seconds)
        )
        super().__init__(
            connection=self._connection, settings=settings, clock=clock, lane=lane, tokens=tokens
        )

    async def aclose(self) -> None:
        """Close the connection unless it is shared."""
        if self._owned:
            await self._connection.aclose()

    async def _lines(self, request: ChatRequest) -> AsyncGenerator[Line, None]:
        client = await self._connection.client()
        info = self.info
        body = chat_body(
            request,
            info,
            native_tools=info.tools,
            think=info.thinking,
            keep_alive=self._settings.keep_alive,
        )
        return _read(client.lines("/api/chat", body, chat_headers(request)))

    async def _slow(self, answer: StreamedAnswer, lease: Lease) -> ProviderError:
        if not answer.begun and await self._unloaded(lease):
            return loading(self._connection.endpoint, self.info.name)
        return await super()._slow(answer, lease)

    async def _unloaded(self, lease: Lease) -> bool:
        """Say whether the server tells that the model is not in its memory yet."""
        client = await self._connection.client()
        with suppress(ProviderError, TimeoutError), self._connection.translated():
            async with lease.within(_PEEK_SECONDS):
                running = {each.model or each.name for each in (await client.ps()).models}
            return not running & {self.info.name, f"{self.info.name}:latest"}
        return False

    def _learn(self, error: ProviderError, request: ChatRequest) -> bool:
        """Note that the model lacks what the request used; say whether that was news."""
        if error.fault is not ProviderFault.UNSUPPORTED:
            return False
        info = self.info
        if "tools" in error.detail and info.tools and request.tools:
            self._info = replace(info, tools=False)
        elif "think" in error.detail and info.thinking and request.think is not None:
            self._info = replace(info, thinking=False)
        return self._info is not info

    async def _ask(self) -> ModelInfo:
        """Ask the server about the model."""
        client = await self._connection.client()
        known = self._name or (self._info.name if self._info else None)
        try:
            with self._connection.translated(known):
                async with asyncio.timeout(_ASK_SECONDS):
                    listed = (await client.list()).models
                    if known is None:
                        info = await self._pick(client, [each.model for each in listed])
                    else:
                        info = self._described(known, await client.show(known))
        except TimeoutError as error:
            raise unreachable(self._connection.endpoint, "no answer to /api/show") from error
        names = {info.name, f"{info.name}:latest"}
        size = next((each.size for each in listed if each.model in names), None)
        return replace(info, size_bytes=None if size is None else int(size))

    async def _pick(self, client: OllamaClient, present: Sequence[str | None]) -> ModelInfo:
        """Take a running model that can chat, else the first one there."""
        running = [each.model or each.name for each in (await client.ps()).models]
        names = dict.fromkeys(name for name in (*running, *present) if name)
        for name in itertools.islice(names, _CANDIDATES):
            shown = await client.show(name)
            if shown.capabilities is None or "completion" in shown.capabilities:
                return self._described(name, shown)
        raise missing(self._connection.endpoint, None)

    def _described(self, name: str, shown: ShowResponse) -> ModelInfo:
        abilities = shown.capabilities
        trained = [
            value
            for key, value in (shown.modelinfo or {}).items()
            if key.endswith(".context_length") and isinstance(value, int) and value > 0
        ]
        thinking = "thinking" in (abilities or ())
        template = (shown.template or "").rstrip()
        self._opened_in_thought = not thinking and template.endswith("<think>")
        return ModelInfo(
            provider=self._connection.endpoint.provider,
            name=name,
            context_tokens=min([self._num_ctx, *trained]),
            tools=abilities is None or "tools" in abilities,
            vision="vision" in (abilities or ()),
            thinking=thinking,
            parameters=shown.details.parameter_size if shown.details else None,
        )


async def _read(
    lines: AsyncGenerator[Mapping[str, object], None],
) -> AsyncGenerator[Line, None]:
    async with aclosing(lines):
        async for line in lines:
            yield read_line(line)
