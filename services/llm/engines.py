"""Where models run: an Ollama server, or the built-in one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from services.domain.clock import Clock
from services.llm.ollama import OllamaModel
from services.llm.ollama_connection import OllamaConnection
from services.llm.priority import ProviderLane
from services.llm.tokens import CalibratedTokens
from services.settings import EmbeddedSettings, LlmSettings

DEFAULT_HOST = "http://127.0.0.1:11434"


class OllamaEngine:
    """An Ollama server; its models share one connection and one lane."""

    def __init__(self, settings: LlmSettings, *, clock: Clock, tokens: CalibratedTokens) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens = tokens
        self._num_ctx = settings.num_ctx
        self._default = settings.model
        self._lane = ProviderLane(settings.concurrency)
        self.connection = OllamaConnection(
            settings.ollama_host or DEFAULT_HOST, connect_timeout=settings.connect_timeout_seconds
        )

    def model(self, name: str | None) -> OllamaModel:
        """Return the model, not yet opened; ``None`` is the engine's default."""
        return OllamaModel(
            name or self._default,
            host=self.connection,
            settings=self._settings,
            num_ctx=self._num_ctx,
            clock=self._clock,
            lane=self._lane,
            tokens=self._tokens,
        )

    def default_name(self) -> str | None:
        """Return the name of the default model as far as it is known before it is opened."""
        return self._default

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
    ) -> None:
        from services.llm.embedded.supervisor import EmbeddedServer

        super().__init__(settings, clock=clock, tokens=tokens)
        self._num_ctx = embedded.num_ctx
        self._default = None
        self._lane = ProviderLane(settings.concurrency, provider="embedded")
        self._server = EmbeddedServer(embedded, data=data, on_notice=on_notice)
        self.connection = OllamaConnection(
            self._started, connect_timeout=settings.connect_timeout_seconds, provider="embedded"
        )

    def default_name(self) -> str | None:
        """Return the name of the model file."""
        return self._server.expected_name()

    async def _started(self) -> str:
        address = await self._server.start()
        await self._server.ready()
        return address

    async def aclose(self) -> None:
        """Close the connection and end the server."""
        await super().aclose()
        await self._server.aclose()
