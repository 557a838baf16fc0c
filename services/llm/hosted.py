"""OpenAI-compatible endpoints as engines of the catalog."""

from __future__ import annotations

from services.domain.clock import Clock
from services.llm.model import ModelListing
from services.llm.openai_connection import OpenAiConnection
from services.llm.openai_kinds import kind_of
from services.llm.openai_listing import list_models
from services.llm.openai_model import OpenAiModel
from services.llm.priority import ProviderLane
from services.llm.tokens import CalibratedTokens
from services.observability.metrics import Metrics
from services.settings import HostedSettings, LlmSettings


class HostedEngine:
    """The endpoint ``kind`` (a name of ``openai_kinds.KINDS``); constructing it does no I/O.

    Its models share one connection and one lane of ``settings.concurrency`` places.
    """

    def __init__(
        self,
        kind: str,
        settings: HostedSettings,
        llm: LlmSettings,
        *,
        clock: Clock,
        tokens: CalibratedTokens,
        metrics: Metrics | None = None,
    ) -> None:
        self._kind = kind_of(kind)
        self._settings = settings
        self._llm = llm
        self._clock = clock
        self._tokens = tokens
        self._lane = ProviderLane(settings.concurrency, provider=kind, metrics=metrics)
        self.connection = OpenAiConnection(
            settings.base_url or self._kind.address,
            settings.api_key,
            provider=kind,
            connect_timeout=llm.connect_timeout_seconds,
        )

    def model(self, name: str | None) -> OpenAiModel:
        """Return the model, not yet opened; ``None`` is the engine's default."""
        return OpenAiModel(
            name or self._settings.model,
            connection=self.connection,
            settings=self._llm,
            context_tokens=self._settings.context_tokens,
            clock=self._clock,
            lane=self._lane,
            tokens=self._tokens,
        )

    def default_name(self) -> str | None:
        """Return the name of the default model as far as it is known before it is opened."""
        return self._settings.model

    def where(self) -> str:
        """Say where it runs, as part of a sentence."""
        if self.connection.endpoint.host == self._kind.address and not self._kind.takes_first:
            return f"on {self._kind.title}"
        return f"on {self._kind.title} at {self.connection.endpoint.host}"

    async def listed(self) -> list[ModelListing]:
        """List the endpoint's models; empty where it has no list. Raises ``ProviderError``."""
        found = await list_models(self.connection)
        return [
            ModelListing(
                name=each.name,
                endpoint=self.connection.endpoint.provider,
                size_bytes=each.size_bytes,
                context_tokens=each.context_tokens,
                running=self._kind.takes_first,
            )
            for each in found or ()
        ]

    async def aclose(self) -> None:
        """Close the connection; models may be used again, over a new one."""
        await self.connection.aclose()
