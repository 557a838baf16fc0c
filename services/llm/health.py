"""Whether a model can answer."""

from __future__ import annotations

import re
from typing import Protocol

from services.domain.errors import ProviderError
from services.llm.model import ChatModel
from services.observability.health import Check

_CREDENTIALS = re.compile(r"//[^/@\s]+@")


class ModelSource(Protocol):
    """Where chat models come from."""

    async def get(self, name: str | None = None) -> ChatModel:
        """Return an opened model, the configured one if ``name`` is ``None``."""
        ...


class ModelProbe:
    """Asks the server of the configured model, or of those behind it, without an answer made."""

    name = "model"
    fresh_seconds = 10.0

    def __init__(self, models: ModelSource) -> None:
        self._models = models

    async def check(self) -> Check:
        """Say whether the model could answer now."""
        try:
            health = await (await self._models.get()).probe()
            ok, detail = health.ok, health.detail
        except ProviderError as error:
            ok, detail = False, error.user_message
        return Check(name=self.name, ok=ok, detail=_CREDENTIALS.sub("//", detail))
