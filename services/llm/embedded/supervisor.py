"""Keeps the built-in model server running as a child process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from services.domain.errors import ProviderError, ProviderFault
from services.lifecycle import Supervisor
from services.llm.embedded.models import HubModel, ModelFile, ModelStore

if TYPE_CHECKING:
    from services.settings import EmbeddedSettings

logger = logging.getLogger(__name__)

_PROJECT = Path(__file__).parents[3]
_FIRST_PAUSE = 0.2
_MOST_FAILURES = 5
_FAILURE_WINDOW_SECONDS = 120.0
_END_SECONDS = 2.0
_LOG_BYTES = 1 << 20
_BACKLOG = 128

_RESTARTED = "The built-in model stopped and was started again."
_TOO_OFTEN = "The built-in model stopped five times in two minutes and stays off;"
_TOO_SLOW = "The built-in model was not loaded within"
_TAKE_SMALLER = "take a smaller one or raise ACORE_EMBEDDED__START_TIMEOUT_SECONDS."


def _unavailable(sentence: str) -> ProviderError:
    return ProviderError("embedded", ProviderFault.UNREACHABLE, sentence)


_STOPPED = _unavailable("The built-in model is not running.")


class EmbeddedServer:
    """The built-in model behind Ollama's routes, in a child process that is restarted if it dies.

    The listening socket belongs to this side and is handed to the child, so the address stays the
    same and requests wait, rather than fail, while the child loads or is started again. After five
    deaths in two minutes, or when the model cannot be loaded, the server stays down: its address
    refuses connections and ``ready`` raises until ``start`` is called again.

    ``on_notice`` hears a code and a sentence for people: ``embedded_restarted``, ``embedded_down``
    and, while a model is fetched, ``embedded_download`` at every tenth of it.
    """

    def __init__(
        self, settings: EmbeddedSettings, *, data: Path, on_notice: Callable[[str, str], None]
    ) -> None:
        self._settings = settings
        self._data = data.absolute()
        self._store = ModelStore(settings, data=self._data)
        self._on_notice = on_notice
        self._stack = AsyncExitStack()
        self._starting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._supervisor: Supervisor | None = None
        self._port = 0
        self._model: ModelFile | None = None
        self._settled = asyncio.Event()
        self._failure: ProviderError | None = None

    @property
    def model_name(self) -> str:
        """Return the name the model is served under. Raises ``RuntimeError`` before ``start``."""
        return self._started_model().name

    @property
    def model_path(self) -> Path:
        """Return the model's file. Raises ``RuntimeError`` before ``start``."""
        return self._started_model().path

    @property
    def num_ctx(self) -> int:
        """Return the context in tokens that every request has.

        It is the configured one, or what the model was trained for when that is less.
        """
        trained = self._model.header.context_length if self._model is not None else 0
        return min(self._settings.num_ctx, trained) if trained else self._settings.num_ctx

    @property
    def base_url(self) -> str:
        """Return the address the server listens on. Raises ``RuntimeError`` before ``start``."""
        self._started_model()
        return f"http://127.0.0.1:{self._port}"

    def expected_name(self) -> str | None:
        """Return the name of the model that is served or will be, ``None`` when there is none."""
        if self._model is not None:
            return self._model.name
        try:
            found = self._store.find()
        except ProviderError:
            return None
        return (found.target if isinstance(found, HubModel) else found).stem

    async def start(self) -> str:
        """Start the server unless it runs and return its base URL, before the model is loaded.

        The first request simply waits for the load. May be called at any time and concurrently.
        A model given by hub name is fetched first. Raises ``ProviderError`` when there is no
        usable model file.
        """
        async with self._starting:
            if self._task is None or self._task.done():
                self._model = await self._store.obtain(_Tenths(self._on_notice))
                self._failure = None
                self._settled.clear()
                if self._supervisor is None:
                    self._supervisor = await self._stack.enter_async_context(Supervisor())
                run = partial(self._keep_running, self._listen())
                self._task = self._supervisor.start("embedded model", run)
        return self.base_url

    async def ready(self) -> None:
        """Wait until the model is loaded. Raises ``ProviderError`` when it will not be."""
        if self._task is None:
            raise _STOPPED
        await self._settled.wait()
        if self._failure is not None:
            raise self._failure

    async def aclose(self) -> None:
        """End the child: SIGTERM, then SIGKILL after two seconds. Harmless when it never ran."""
        await self._stack.aclose()
        self._supervisor, self._task = None, None

    def _started_model(self) -> ModelFile:
        if self._model is None:
            raise RuntimeError("the built-in model server was not started")  # noqa: TRY003
        return self._model

    def _listen(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self._port))
        except OSError:  # somebody took the port that was ours before
            listener.bind(("127.0.0.1", 0))
        listener.listen(_BACKLOG)
        self._port = listener.getsockname()[1]
        return listener

    async def _keep_running(self, listener: socket.socket) -> None:
        deaths: list[float] = []
        clock = asyncio.get_running_loop().time
        try:
            with listener:
                while True:
                    await self._run_child(listener)
                    self._settled.clear()
                    deaths = [at for at in deaths if clock() - at < _FAILURE_WINDOW_SECONDS]
                    deaths.append(clock())
                    if len(deaths) >= _MOST_FAILURES:
                        return self._stay_down(_unavailable(f"{_TOO_OFTEN} see {self._log}."))
                    await self._announce_restart(len(deaths))
        except ProviderError as error:
            self._stay_down(error)
        except OSError as error:
            self._stay_down(_unavailable(f"The built-in model could not be started: {error}."))
        finally:
            self._failure = self._failure or _STOPPED
            self._settled.set()

    async def _announce_restart(self, deaths: int) -> None:
        await asyncio.sleep(_FIRST_PAUSE * 2 ** (deaths - 1))
        logger.warning("embedded model restarts", extra={"deaths": deaths})
        self._on_notice("embedded_restarted", _RESTARTED)

    def _stay_down(self, error: ProviderError) -> None:
        logger.error("embedded model stays down", extra={"reason": error.user_message})
        self._failure = error
        self._settled.set()
        self._on_notice("embedded_down", error.user_message)

    async def _run_child(self, listener: socket.socket) -> None:
        """Run one child until it dies. Raises ``ProviderError`` when another try is useless."""
        seconds = self._settings.start_timeout_seconds
        async with self._child(listener) as child:
            out = cast(asyncio.StreamReader, child.stdout)
            try:
                async with asyncio.timeout(seconds):
                    while line := await out.readline():
                        if self._is_ready(line):
                            break
            except TimeoutError as error:
                sentence = f"{_TOO_SLOW} {seconds:g} seconds; {_TAKE_SMALLER}"
                raise _unavailable(sentence) from error
            await child.wait()
            logger.warning("embedded model died", extra={"status": child.returncode})

    def _is_ready(self, line: bytes) -> bool:
        event = json.loads(line)
        if event["event"] == "failed":
            raise ProviderError("embedded", ProviderFault.MALFORMED, event["message"])
        if event["event"] != "ready":
            return False
        logger.info("embedded model ready", extra={"load_seconds": event["load_seconds"]})
        self._settled.set()
        return True

    @asynccontextmanager
    async def _child(self, listener: socket.socket) -> AsyncIterator[asyncio.subprocess.Process]:
        log = await asyncio.to_thread(self._open_log)
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command(listener.fileno()),
                cwd=_PROJECT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                pass_fds=(listener.fileno(),),
                start_new_session=True,  # an interrupt from the keyboard is for the parent
            )
        finally:
            log.close()
        try:
            yield child
        finally:
            await _end(child)

    def _command(self, descriptor: int) -> list[str]:
        model = self._started_model()
        options = {
            "--model": model.path,
            "--name": model.name,
            "--num-ctx": self.num_ctx,
            "--threads": self._settings.threads or _spare_cores(),
            "--prefixes": self._prefixes(model.path.parent),
            "--log": self._log,
            "--listen-fd": descriptor,
            "--parent": os.getpid(),
        }
        pairs = [str(part) for pair in options.items() for part in pair]
        return [sys.executable, "-m", "services.llm.embedded", *pairs]

    def _prefixes(self, beside_model: Path) -> Path:
        if self._settings.prefixes is not None:
            return self._settings.prefixes
        folder = beside_model if os.access(beside_model, os.W_OK) else self._data
        return folder / "prefixes"

    @property
    def _log(self) -> Path:
        return self._data / "logs" / "embedded.log"

    def _open_log(self) -> IO[bytes]:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        big = self._log.exists() and self._log.stat().st_size > _LOG_BYTES
        return self._log.open("wb" if big else "ab")


class _Tenths:
    """Tells of a download at every tenth of it."""

    def __init__(self, on_notice: Callable[[str, str], None]) -> None:
        self._on_notice = on_notice
        self._told = -1

    def __call__(self, present: int, total: int) -> None:
        tenth = present * 10 // total if total else 0
        if tenth != self._told:
            self._told = tenth
            self._on_notice(
                "embedded_download",
                f"Fetching the built-in model: {tenth * 10} % of {total / 1e6:,.0f} MB.",
            )


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    if child.returncode is None:
        child.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


def _spare_cores() -> int:
    """Return all cores but one: llama.cpp slows down tenfold when it has to share its last one."""
    available = getattr(os, "sched_getaffinity", None)
    cores = len(available(0)) if available else os.cpu_count() or 1
    return max(1, cores - 1)
