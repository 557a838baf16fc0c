"""Which model answers: the one place that knows where models run."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, ProviderError, ProviderFault
from services.lifecycle import Supervisor
from services.llm.chained import ModelLink
from services.llm.engines import (
    DEFAULT_HOST,
    EmbeddedEngine,
    Engine,
    OllamaEngine,
    hosted_engine,
    switched_on,
)
from services.llm.hosts import HostWatch
from services.llm.model import ChatModel, ModelListing
from services.llm.ollama import NotOpenedError
from services.llm.tokens import CalibratedTokens
from services.llm.wrapping import STAND_IN, Wrapping
from services.observability.metrics import Metrics
from services.settings import EmbeddedSettings, HostedSettings, LlmSettings

logger = logging.getLogger(__name__)

EMBEDDED = "embedded"
OLLAMA = "ollama"

_KEPT_MODELS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PullProgress:
    """How far fetching a model is; sizes in bytes of the part being fetched."""

    status: str
    completed: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A model by endpoint and name; the name ``None`` is the endpoint's default."""

    endpoint: str
    name: str | None


class ModelCatalog:
    """Hands out opened models, wrapped so that they retry, fall back and are measured.

    A model is named ``name`` or ``name@endpoint``. Without an endpoint it runs where
    ``llm.endpoint`` says: ``auto`` is Ollama when its host is set, else the first hosted endpoint
    that is switched on, else the built-in model. An Ollama host that does not answer is replaced by
    the next of ``ollama_hosts``. When none of them does, the built-in model stands in
    (``embedded = "auto"``), announced once through ``on_notice`` with a code and a sentence; the
    hosts are asked again every 30 s and take over when one is back. A model that a reachable server
    has not is always an error. Constructing does no I/O; entering starts the built-in server early
    when it is certainly needed.
    """

    def __init__(
        self,
        settings: LlmSettings,
        embedded_settings: EmbeddedSettings,
        *,
        data: Path,
        clock: Clock,
        tokens: CalibratedTokens,
        wrapping: Wrapping,
        on_notice: Callable[[str, str], None],
        hosted: Mapping[str, HostedSettings] | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._embedded_settings = embedded_settings
        self._hosted = dict(hosted or {})
        self._data = data
        self._clock = clock
        self._tokens = tokens
        self._on_notice = on_notice
        self._metrics = metrics
        self._wrapping = wrapping
        self._hosts = HostWatch(clock=clock, on_notice=on_notice)
        self._engines: dict[str, Engine] = {}
        self._models: OrderedDict[tuple[Reference, ...], ChatModel] = OrderedDict()
        self._stack = AsyncExitStack()
        self._supervisor: Supervisor | None = None
        self._recheck: asyncio.Task[None] | None = None

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
        engines, self._engines = self._engines, {}
        for engine in engines.values():
            await engine.aclose()

    def warm(self) -> None:
        """Start the built-in server in the background when it is certainly the one that answers."""
        if self._supervisor is not None and self._endpoint() == EMBEDDED:
            self._supervisor.start("model warm-up", self._open_default)

    def reconfigure(self, settings: LlmSettings) -> None:
        """Take over what may change while the process lives: the fallbacks."""
        self._settings = self._settings.model_copy(update={"fallbacks": settings.fallbacks})

    async def get(self, name: str | None = None, *, fallbacks: Sequence[str] = ()) -> ChatModel:
        """Return the opened model ``name``, or the default one.

        ``fallbacks`` are asked in order when it fails before its first word; without any, the
        configured ones are. Raises ``ProviderError`` (``UNREACHABLE``, ``MODEL_MISSING`` …) with a
        sentence that says what to do.
        """
        self._look_again()
        model = self._chain(self._references(name, fallbacks))
        await model.open()
        return model

    async def available(self) -> list[ModelListing]:
        """List the models of every configured endpoint, those that answer first.

        Raises ``ProviderError`` when the endpoint that answers by default does not; of several
        Ollama hosts one has to.
        """
        default = self._endpoint()
        needed = set(self._ollamas()) if default == OLLAMA else {default}
        found: list[ModelListing] = []
        failures: dict[str, ProviderError] = {}
        for endpoint in self.endpoints():
            try:
                found += await self._engine(endpoint).listed()
            except ProviderError as error:
                failures[endpoint] = error
                logger.info("endpoint not listed", extra={"code": error.code, "at": endpoint})
        if failures.keys() >= needed:
            if default == OLLAMA and await self._stands_in():
                return await self.available()
            raise failures[default]
        return found

    def endpoints(self) -> list[str]:
        """Name every endpoint that is configured, the one that answers first."""
        names = [self._endpoint()]
        if not self._hosts.given_up:
            names += _ollama_hosts(self._settings)
        names += [kind for kind, settings in self._hosted.items() if switched_on(kind, settings)]
        return list(dict.fromkeys(names))

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Have the server fetch ``name``. Raises ``ProviderError``; closing it stops waiting."""
        reference = self._reference(name)
        engine = self._engine(reference.endpoint)
        if not isinstance(engine, OllamaEngine) or reference.name is None:
            raise InvalidRequest(
                "pull_elsewhere", f"Models at {reference.endpoint} cannot be fetched from here."
            )
        connection = engine.connection
        client = await connection.client()
        body = {"model": reference.name, "stream": True}
        async with aclosing(client.lines("/api/pull", body)) as lines:
            while True:
                try:
                    with connection.translated(reference.name):
                        line = await anext(lines, None)
                except ProviderError as error:
                    raise _pull_error(reference.name, error) from error
                if line is None:
                    return
                yield PullProgress(
                    status=str(line.get("status", "")),
                    completed=_bytes(line.get("completed")),
                    total=_bytes(line.get("total")),
                )

    def describe(self) -> str:
        """Say in one line which model answers, where it runs and how to choose another."""
        endpoint = self._endpoint()
        engine = self._engine(endpoint)
        name = self._known_name() or self._references(None, ())[0].name or engine.default_name()
        if endpoint != EMBEDDED:
            return f"{name or 'A model'} {engine.where()} answers; {_chooser(endpoint)}"
        what = f"The built-in model {name}" if name else "The built-in model"
        if self._hosts.given_up:
            return f"{what} answers because Ollama does not; start Ollama or correct OLLAMA_HOST."
        return f"{what} answers on this machine; set OLLAMA_HOST to use an Ollama server."

    def _known_name(self) -> str | None:
        known = self._models.get(tuple(self._references(None, ())))
        try:
            return known.info.name if known is not None else None
        except NotOpenedError:
            return None

    def _endpoint(self) -> str:
        """Return where models without an endpoint run now."""
        settings = self._settings
        if settings.embedded == "always" or self._hosts.given_up:
            return EMBEDDED
        if settings.endpoint != "auto":
            return settings.endpoint
        if _ollama_hosts(settings):
            return OLLAMA
        for kind, hosted in self._hosted.items():
            if switched_on(kind, hosted):
                return kind
        return OLLAMA if settings.embedded == "never" else EMBEDDED

    def _reference(self, name: str) -> Reference:
        model, separator, endpoint = name.rpartition("@")
        if separator and endpoint in {EMBEDDED, OLLAMA, *self._hosted, *self.endpoints()}:
            return Reference(endpoint, model or None)
        return Reference(self._endpoint(), name)

    def _references(self, name: str | None, fallbacks: Sequence[str]) -> list[Reference]:
        """Return what is asked in which order."""
        configured = self._settings.model or ""
        if name is None and ("@" in configured or self._endpoint() != EMBEDDED):
            name = configured or None
        first = self._reference(name) if name else Reference(self._endpoint(), None)
        if self._hosts.given_up and first.endpoint in {EMBEDDED, *_ollama_hosts(self._settings)}:
            first = Reference(EMBEDDED, None)
        wanted = [first]
        if first.endpoint == OLLAMA:
            wanted += [Reference(host, first.name) for host in _ollama_hosts(self._settings)]
        wanted += map(self._reference, fallbacks or self._settings.fallbacks)
        return list(dict.fromkeys(wanted))

    def _chain(self, wanted: Sequence[Reference]) -> ChatModel:
        key = tuple(wanted)
        if key not in self._models:
            links = [self._link(each) for each in wanted]
            if wanted[0].endpoint in self._ollamas() and self._settings.embedded == "auto":
                links.append(ModelLink(name=STAND_IN, supply=self._stand_in))
            self._models[key] = self._wrapping.chain(links)
            if len(self._models) > _KEPT_MODELS:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]

    def _link(self, reference: Reference) -> ModelLink:
        model = self._engine(reference.endpoint).model(reference.name)
        return self._wrapping.link(model, endpoint=reference.endpoint, name=reference.name or "")

    def _engine(self, endpoint: str) -> Engine:
        if endpoint not in self._engines:
            self._engines[endpoint] = self._made(endpoint)
        return self._engines[endpoint]

    def _made(self, endpoint: str) -> Engine:
        if endpoint == EMBEDDED:
            return EmbeddedEngine(
                self._settings,
                self._embedded_settings,
                data=self._data,
                clock=self._clock,
                tokens=self._tokens,
                on_notice=self._on_notice,
                metrics=self._metrics,
            )
        if endpoint in self._hosted:
            return hosted_engine(
                endpoint,
                self._hosted[endpoint],
                self._settings,
                clock=self._clock,
                tokens=self._tokens,
                metrics=self._metrics,
            )
        return OllamaEngine(
            self._settings,
            clock=self._clock,
            tokens=self._tokens,
            host=_ollama_hosts(self._settings).get(endpoint, DEFAULT_HOST),
            name=endpoint,
            metrics=self._metrics,
        )

    async def _stand_in(self) -> ChatModel:
        """Return the built-in model; raises ``ProviderError`` while Ollama can be reached."""
        if await self._stands_in():
            model = self._engine(EMBEDDED).model(None)
            return self._wrapping.wrap(model, endpoint=EMBEDDED, name="")
        raise ProviderError(
            EMBEDDED, ProviderFault.UNSUPPORTED, "Ollama answers; the built-in model is not used."
        )

    async def _stands_in(self) -> bool:
        """Say whether the built-in model answers because no Ollama host does."""
        if self._hosts.given_up:
            return True
        if self._settings.embedded != "auto":
            return False
        return await self._hosts.give_up([self._engine(each) for each in self._ollamas()])

    def _look_again(self) -> None:
        """Ask in the background whether a host is back, once all were given up."""
        if self._supervisor is None or (self._recheck is not None and not self._recheck.done()):
            return
        if self._hosts.due():
            self._recheck = self._supervisor.start("ollama recheck", self._check_hosts)

    async def _check_hosts(self) -> None:
        if await self._hosts.recover([self._engine(each) for each in self._ollamas()]):
            self._models.clear()

    def _ollamas(self) -> list[str]:
        """Name the Ollama endpoints; without a configured host it is the one on this machine."""
        return list(_ollama_hosts(self._settings)) or [OLLAMA]

    async def _open_default(self) -> None:
        try:
            await self.get()
        except ProviderError as error:
            logger.info("model not warmed up", extra={"code": error.code, "reason": error.detail})


def _ollama_hosts(settings: LlmSettings) -> dict[str, str]:
    """Return the configured hosts as endpoints ``ollama``, ``ollama2`` and so on."""
    first = [settings.ollama_host] if settings.ollama_host else []
    hosts = dict.fromkeys((*first, *settings.ollama_hosts))
    return {OLLAMA if n == 1 else f"{OLLAMA}{n}": host for n, host in enumerate(hosts, start=1)}


def _chooser(endpoint: str) -> str:
    if endpoint.startswith(OLLAMA):
        return "OLLAMA_MODEL chooses another."
    return "ACORE_LLM__MODEL chooses another."


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
