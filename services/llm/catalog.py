"""Which model answers: the one place that knows where models run."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
from services.lifecycle import Supervisor
from services.llm.engines import EmbeddedEngine, OllamaEngine
from services.llm.model import ChatModel
from services.llm.ollama import NotOpenedError, OllamaModel
from services.llm.tokens import CalibratedTokens
from services.settings import EmbeddedSettings, LlmSettings

logger = logging.getLogger(__name__)

_KEPT_MODELS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelListing:
    """A model that is there."""

    name: str
    size_bytes: int | None = None
    running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PullProgress:
    """How far fetching a model is; sizes in bytes of the part being fetched."""

    status: str
    completed: int | None = None
    total: int | None = None


class ModelCatalog:
    """Hands out opened models.

    With ``embedded = "always"``, or ``"auto"`` and no host, the built-in model answers. A host that
    does not answer is replaced by the built-in model until the process ends (``auto``, announced
    once through ``on_notice`` with a code and a sentence) or is an error (``never``). A model that
    a reachable server has not is always an error. Constructing does no I/O; entering starts the
    built-in server early when it is certainly needed.
    """

    def __init__(
        self,
        settings: LlmSettings,
        embedded_settings: EmbeddedSettings,
        *,
        data: Path,
        clock: Clock,
        tokens: CalibratedTokens,
        on_notice: Callable[[str, str], None],
    ) -> None:
        self._settings = settings
        self._embedded_settings = embedded_settings
        self._data = data
        self._clock = clock
        self._tokens = tokens
        self._on_notice = on_notice
        self._fell_back = False
        self._ollama: OllamaEngine | None = None
        self._embedded: EmbeddedEngine | None = None
        self._models: OrderedDict[str | None, OllamaModel] = OrderedDict()
        self._stack = AsyncExitStack()
        self._supervisor: Supervisor | None = None

    async def __aenter__(self) -> Self:
        self._supervisor = await self._stack.enter_async_context(Supervisor())
        self.warm()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._supervisor = None
        await self._stack.aclose()
        self._models.clear()
        engines, self._ollama, self._embedded = (self._ollama, self._embedded), None, None
        for engine in engines:
            if engine is not None:
                await engine.aclose()

    def warm(self) -> None:
        """Start the built-in server in the background when it is certainly the one that answers."""
        if self._supervisor is not None and self._only_embedded:
            self._supervisor.start("model warm-up", self._open_default)

    async def get(self, name: str | None = None) -> ChatModel:
        """Return the opened model ``name``, or the default one.

        Raises ``ProviderError`` (``UNREACHABLE``, ``MODEL_MISSING``) with a sentence that says what
        to do.
        """
        model = self._model(None if self._fell_back else name)
        try:
            await model.open()
        except ProviderError as error:
            if not self._replaced(error):
                raise
            return await self.get(name)
        return model

    async def available(self) -> list[ModelListing]:
        """List the models of the server that answers. Raises ``ProviderError``."""
        connection = self._engine().connection
        try:
            client = await connection.client()
            with connection.translated():
                present = (await client.list()).models
                running = {each.model or each.name for each in (await client.ps()).models}
        except ProviderError as error:
            if not self._replaced(error):
                raise
            return await self.available()
        return [
            ModelListing(
                name=each.model,
                size_bytes=None if each.size is None else int(each.size),
                running=each.model in running,
            )
            for each in present
            if each.model
        ]

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Have the server fetch ``name``. Raises ``ProviderError``; closing it stops waiting."""
        connection = self._engine().connection
        client = await connection.client()
        body = {"model": name, "stream": True}
        async with aclosing(client.lines("/api/pull", body)) as lines:
            while True:
                try:
                    with connection.translated(name):
                        line = await anext(lines, None)
                except ProviderError as error:
                    raise _pull_error(name, error) from error
                if line is None:
                    return
                yield PullProgress(
                    status=str(line.get("status", "")),
                    completed=_bytes(line.get("completed")),
                    total=_bytes(line.get("total")),
                )

    def describe(self) -> str:
        """Say in one line which model answers, where it runs and how to choose another."""
        known = self._models.get(None)
        try:
            name = known.info.name if known is not None else None
        except NotOpenedError:
            name = None
        name = name or self._engine().default_name()
        host = self._engine().connection.endpoint.host if not self._uses_embedded else ""
        if host:
            what = name or "A model"
            return f"{what} on Ollama at {host} answers; OLLAMA_MODEL chooses another."
        what = f"The built-in model {name}" if name else "The built-in model"
        if self._fell_back:
            return f"{what} answers because Ollama does not; start Ollama or correct OLLAMA_HOST."
        return f"{what} answers on this machine; set OLLAMA_HOST to use an Ollama server."

    @property
    def _only_embedded(self) -> bool:
        choice = self._settings.embedded
        return choice == "always" or (choice == "auto" and not self._settings.ollama_host)

    @property
    def _uses_embedded(self) -> bool:
        return self._only_embedded or self._fell_back

    async def _open_default(self) -> None:
        try:
            await self.get()
        except ProviderError as error:
            logger.info("model not warmed up", extra={"code": error.code, "reason": error.detail})

    def _engine(self) -> OllamaEngine:
        if not self._uses_embedded:
            if self._ollama is None:
                self._ollama = OllamaEngine(self._settings, clock=self._clock, tokens=self._tokens)
            return self._ollama
        if self._embedded is None:
            self._embedded = EmbeddedEngine(
                self._settings,
                self._embedded_settings,
                data=self._data,
                clock=self._clock,
                tokens=self._tokens,
                on_notice=self._on_notice,
            )
        return self._embedded

    def _model(self, name: str | None) -> OllamaModel:
        if name not in self._models:
            self._models[name] = self._engine().model(name)
            if len(self._models) > _KEPT_MODELS:
                self._models.popitem(last=False)
        self._models.move_to_end(name)
        return self._models[name]

    def _replaced(self, error: ProviderError) -> bool:
        """Let the built-in model stand in when Ollama does not answer and that is allowed."""
        if error.provider != "ollama" or error.fault is not ProviderFault.UNREACHABLE:
            return False
        if self._settings.embedded != "auto":
            return False
        if not self._fell_back:
            host = self._engine().connection.endpoint.host
            self._fell_back = True
            self._models.clear()
            self._on_notice(
                "ollama_unreachable",
                f"Ollama at {host} does not answer, so the built-in model is used; "
                "start Ollama or correct OLLAMA_HOST.",
            )
        return True


def _bytes(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _pull_error(name: str, error: ProviderError) -> ProviderError:
    """Say what fetching means by an error line."""
    if error.fault is not ProviderFault.BROKEN_STREAM:
        return error
    if "does not exist" in error.detail or "not found" in error.detail:
        return ProviderError(
            error.provider,
            ProviderFault.MODEL_MISSING,
            f"There is no model {name} to fetch; check its spelling at ollama.com/library.",
            detail=error.detail,
        )
    return ProviderError(
        error.provider,
        ProviderFault.BROKEN_STREAM,
        f"Fetching {name} broke off; run the command again to go on.",
        detail=error.detail,
    )
