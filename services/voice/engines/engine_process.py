"""An engine in a child process of its own, started when it is needed and again after it died."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, cast

from services.domain.errors import ProviderError, ProviderFault
from services.lifecycle import Supervisor
from services.voice.engines.engine_life import EngineLife
from services.voice.engines.wire import Frame, Header, WireError, read_frame

logger = logging.getLogger(__name__)

_PROJECT = Path(__file__).parents[3]
_END_SECONDS = 2.0
_LOG_BYTES = 1 << 20
_PIPE_BYTES = 1 << 20
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """What to run: ``factory`` is ``module:function`` and is given ``options`` as a mapping.

    ``start_seconds`` is how long loading may take and ``silence_seconds`` how long a job may say
    nothing before the process is taken for hung and killed. A start that the engine itself refused
    is not tried again for ``rest_seconds``.
    """

    name: str
    factory: str
    options: Mapping[str, object] = field(default_factory=dict)
    concurrency: int = 1
    threads: int = 1
    start_seconds: float = 120.0
    silence_seconds: float = 30.0
    rest_seconds: float = 5.0


class EngineProcess:
    """Runs jobs in the child process of ``spec``, which is polite to the rest of the machine.

    When the process dies, every job it had fails once with ``ProviderError`` and the next one
    starts it again. ``log`` is a file for what the libraries in it write.
    """

    def __init__(self, spec: EngineSpec, *, log: Path | None = None) -> None:
        self._spec = spec
        self._log = log
        self._stack = AsyncExitStack()
        self._supervisor: Supervisor | None = None
        self._opening = asyncio.Lock()
        self._life: EngineLife | None = None
        self._refused: tuple[float, ProviderError] | None = None
        self._numbers = itertools.count(1)

    @property
    def process_id(self) -> int | None:
        """Return the id of the running child, ``None`` while there is none."""
        return self._life.process_id if self._life is not None else None

    async def open(self) -> Header:
        """Start the child unless it runs; return what the engine says of itself.

        Raises ``ProviderError`` when it cannot be loaded.
        """
        return (await self._opened()).about

    async def call(self, header: Header, payload: bytes = b"") -> Frame:
        """Run a job that has one answer. Raises ``ProviderError``."""
        async with aclosing(self.stream(header, payload)) as frames:
            async for frame in frames:
                return frame
        raise self._error(ProviderFault.MALFORMED, "gave no answer; try again")

    async def stream(self, header: Header, payload: bytes = b"") -> AsyncGenerator[Frame, None]:
        """Run a job and yield its answers as they come; closing takes the job back.

        Raises ``ProviderError``.
        """
        life = await self._opened()
        job = next(self._numbers)
        answers = life.begin(job, header, payload)
        ended = False
        try:
            while not ended:
                frame = await self._next(life, answers)
                ended = bool(frame.header.get("end"))
                yield frame
        finally:
            life.forget(job, cancel=not ended)

    async def close(self) -> None:
        """End the child; idempotent. A later job starts it again."""
        async with self._opening:
            await self._stack.aclose()
            self._supervisor = self._life = None

    async def _opened(self) -> EngineLife:
        async with self._opening:
            if self._life is None:
                self._recall_refusal()
                if self._supervisor is None:
                    self._supervisor = await self._stack.enter_async_context(Supervisor())
                self._life = EngineLife(self._spec.name)
                name = f"voice engine {self._spec.name}"
                self._supervisor.start(name, partial(self._attend, self._life))
            life = self._life
        await life.ready.wait()
        if life.failure is not None:
            raise life.error()
        return life

    def _recall_refusal(self) -> None:
        if self._refused is None:
            return
        until, error = self._refused
        if asyncio.get_running_loop().time() < until:
            raise ProviderError(
                error.provider, error.fault, error.user_message, detail=error.detail
            )

    async def _next(self, life: EngineLife, answers: asyncio.Queue[Frame | ProviderError]) -> Frame:
        try:
            async with asyncio.timeout(self._spec.silence_seconds):
                answer = await answers.get()
        except TimeoutError as error:
            life.kill()
            raise self._error(
                ProviderFault.TIMEOUT, "did not answer and is started again; try again"
            ) from error
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def _attend(self, life: EngineLife) -> None:
        """Run one child from its start to its end."""
        try:
            async with self._child() as child:
                try:
                    await self._converse(life, child)
                finally:
                    self._over(life)
        except OSError as error:
            life.failure = self._error(ProviderFault.UNREACHABLE, f"cannot be started: {error}")
        finally:
            self._over(life)

    def _over(self, life: EngineLife) -> None:
        if self._life is life:
            self._life = None
        life.end()

    async def _converse(self, life: EngineLife, child: asyncio.subprocess.Process) -> None:
        out = cast(asyncio.StreamReader, child.stdout)
        life.attach(child)
        life.send({"factory": self._spec.factory, "options": dict(self._spec.options)})
        try:
            async with asyncio.timeout(self._spec.start_seconds):
                first = await read_frame(out)
            if not self._settle(life, first):
                return
            while frame := await read_frame(out):
                life.deliver(frame)
            logger.warning("voice engine died", extra={"engine": self._spec.name})
        except TimeoutError:
            seconds = f"{self._spec.start_seconds:g} seconds"
            life.failure = self._error(
                ProviderFault.TIMEOUT, f"was not loaded within {seconds}; choose a smaller model"
            )
        except WireError as error:
            life.failure = self._error(ProviderFault.MALFORMED, f"answered with {error}")

    def _settle(self, life: EngineLife, first: Frame | None) -> bool:
        """Take the child's first word; return whether it is ready to work."""
        if first is None:
            sentence = "stopped while it was being loaded; try again"
            life.failure = self._error(ProviderFault.BROKEN_STREAM, sentence)
            return False
        if failed := first.header.get("failed"):
            life.failure = life.told(failed)
            until = asyncio.get_running_loop().time() + self._spec.rest_seconds
            self._refused = until, life.failure
            return False
        self._refused = None
        life.about = first.header
        life.ready.set()
        logger.info("voice engine ready", extra={"engine": self._spec.name})
        return True

    def _error(self, fault: ProviderFault, sentence: str) -> ProviderError:
        return ProviderError(
            self._spec.name, fault, f"The voice engine {self._spec.name} {sentence}."
        )

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[asyncio.subprocess.Process]:
        log = await asyncio.to_thread(_opened_log, self._log)
        threads = {name: str(self._spec.threads) for name in _THREAD_VARIABLES}
        command = [sys.executable, "-m", "services.voice.engines"]
        command += ["--parent", str(os.getpid()), "--concurrency", str(self._spec.concurrency)]
        try:
            child = await asyncio.create_subprocess_exec(
                *command,
                cwd=_PROJECT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, **threads},
                limit=_PIPE_BYTES,
                start_new_session=True,  # an interrupt from the keyboard is for the parent
            )
        finally:
            log.close()
        try:
            yield child
        finally:
            await _end(child)


def _opened_log(path: Path | None) -> IO[bytes]:
    if path is None:
        return Path(os.devnull).open("wb")
    path.parent.mkdir(parents=True, exist_ok=True)
    big = path.exists() and path.stat().st_size > _LOG_BYTES
    return path.open("wb" if big else "ab")


async def _end(child: asyncio.subprocess.Process) -> None:
    """Let the child go by itself, then make it; cancelled, make it at once."""
    cast(asyncio.StreamWriter, child.stdin).close()
    try:
        for stop in (child.terminate, child.kill):
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await child.communicate()
            except TimeoutError:
                stop()
            else:
                return
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()
