"""Where models run: Ollama servers, the built-in one, and OpenAI-compatible endpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from services.domain.clock import Clock
from services.llm.model import ChatModel, ModelListing
from services.llm.ollama import OllamaModel
from services.llm.ollama_connection import OllamaConnection
from services.llm.priority import ProviderLane
from services.llm.tokens import CalibratedTokens
from services.observability.metrics import Metrics
from services.settings import EmbeddedSettings, HostedSettings, LlmSettings

DEFAULT_HOST = "http://127.0.0.1:11434"


class Engine(Protocol):
    """An endpoint; its models share one connection and one lane."""

    def model(self, name: str | None) -> ChatModel:
        """Return the model, not yet opened; ``None`` is the engine's default."""
        ...

    def default_name(self) -> str | None:
        """Return the name of the default model as far as it is known before it is opened."""
        ...

    def where(self) -> str:
        """Say where it runs, as part of a sentence."""
        ...

    async def listed(self) -> list[ModelListing]:
        """List its models. Raises ``ProviderError``."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...


class OllamaEngine:
    """An Ollama server."""

    def __init__(
        self,
        settings: LlmSettings,
        *,
        clock: Clock,
        tokens: CalibratedTokens,
        host: str | None = None,
        name: str = "ollama",
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens = tokens
        self._name = name
        self._num_ctx = settings.num_ctx
        self._lane = ProviderLane(settings.concurrency, metrics=metrics)
        self.connection = OllamaConnection(
            host or settings.ollama_host or DEFAULT_HOST,
            connect_timeout=settings.connect_timeout_seconds,
        )

    def model(self, name: str | None) -> OllamaModel:
        """Return the model, not yet opened; ``None`` is the engine's default."""
        return OllamaModel(
            name,
            host=self.connection,
            settings=self._settings,
            num_ctx=self._num_ctx,
            clock=self._clock,
            lane=self._lane,
            tokens=self._tokens,
        )

    def default_name(self) -> str | None:
        """Return nothing: which models there are is known once the server was asked."""
        return None

    def where(self) -> str:
        """Say where it runs."""
        return f"on Ollama at {self.connection.endpoint.host}"

    async def listed(self) -> list[ModelListing]:
        """List the server's models, with the memory of those that run. Raises ``ProviderError``."""
        client = await self.connection.client()
        with self.connection.translated():
            present = (await client.list()).models
            running = {each.model or each.name: each for each in (await client.ps()).models}
        found = []
        for each in present:
            if not each.model:
                continue
            loaded = running.get(each.model)
            found.append(
                ModelListing(
                    name=each.model,
                    endpoint=self._name,
                    size_bytes=_bytes(each.size),
                    running=loaded is not None,
                    memory_bytes=_bytes(loaded.size) if loaded else None,
                    on_gpu_bytes=_bytes(loaded.size_vram) if loaded else None,
                    until=f"{loaded.expires_at:%H:%M}" if loaded and loaded.expires_at else None,
                )
            )
        return found

    async def aclose(self) -> None:
        """Close the connection."""
        await self.connection.aclose()


class EmbeddedEngine(OllamaEngine):
    """The built-in server, started when first asked."""

    def __init__(
        self,
        settings: LlmSettings,
        embedded: EmbeddedSettings,
        *,
        data: Path,
        clock: Clock,
        tokens: CalibratedTokens,
        on_notice: Callable[[str, str], None],
        metrics: Metrics | None = None,
    ) -> None:
        from services.llm.embedded.supervisor import EmbeddedServer

        super().__init__(settings, clock=clock, tokens=tokens, name="embedded")
        self._num_ctx = embedded.num_ctx
        self._lane = ProviderLane(settings.concurrency, provider="embedded", metrics=metrics)
        self._server = EmbeddedServer(embedded, data=data, on_notice=on_notice)
        self.connection = OllamaConnection(
            self._started, connect_timeout=settings.connect_timeout_seconds, provider="embedded"
        )

    def default_name(self) -> str | None:
        """Return the name of the model file."""
        return self._server.expected_name()

    def where(self) -> str:
        """Say where it runs."""
        return "on this machine"

    async def _started(self) -> str:
        address = await self._server.start()
        await self._server.ready()
        return address

    async def aclose(self) -> None:
        """Close the connection and end the server."""
        await super().aclose()
        await self._server.aclose()


def hosted_engine(
    kind: str,
    settings: HostedSettings,
    llm: LlmSettings,
    *,
    clock: Clock,
    tokens: CalibratedTokens,
    metrics: Metrics | None,
) -> Engine:
    """Return the OpenAI-compatible endpoint called ``kind``."""
    from services.llm.hosted import HostedEngine

    return HostedEngine(kind, settings, llm, clock=clock, tokens=tokens, metrics=metrics)


def switched_on(kind: str, settings: HostedSettings) -> bool:
    """Tell whether somebody has configured the endpoint."""
    if settings.api_key is not None:
        return True
    return settings.base_url is not None and "base_url" in settings.model_fields_set


def _bytes(size: object) -> int | None:
    return int(size) if isinstance(size, int) else None
