"""What an engine in a child process is asked, and how it answers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Protocol

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.wire import Header


class Taken(Exception):  # noqa: N818
    """The job is not wanted any more."""


class Job:
    """One request; ``header`` says what, ``payload`` is its sound."""

    def __init__(
        self,
        number: int,
        header: Header,
        payload: bytes,
        say: Callable[[Header, bytes], None],
    ) -> None:
        self.number = number
        self.header = header
        self.payload = payload
        self._say = say
        self._cancelled = threading.Event()
        self._stop: Callable[[], None] | None = None

    def check(self) -> None:
        """Raise ``Taken`` once the job was taken back; call it between pieces of work."""
        if self._cancelled.is_set():
            raise Taken

    def answer(self, payload: bytes = b"", **header: object) -> None:
        """Send a part of the answer. Raises ``Taken``."""
        self.check()
        self._say({**header, "job": self.number}, payload)

    def finish(self, payload: bytes = b"", **header: object) -> None:
        """Send the last part of the answer. Raises ``Taken``."""
        self.answer(payload, **header, end=True)

    def cancel(self) -> None:
        """Take the job back. From any thread."""
        self._cancelled.set()
        if (stop := self._stop) is not None:
            stop()

    @contextlib.contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have ``stop`` called, from another thread, when the job is taken back meanwhile."""
        self._stop = stop
        try:
            self.check()
            yield
        finally:
            self._stop = None


class Engine(Protocol):
    """What a factory returns; ``run`` is called from several threads if so configured."""

    def about(self) -> Header:
        """Say what the parent should know, such as the rate of the sound."""
        ...

    def run(self, job: Job, /) -> None:
        """Answer a job, the last time with ``finish``. May raise anything."""
        ...


def required(module: str, *, engine: str, package: str) -> ModuleType:
    """Import an SDK. Raises ``ProviderError`` that names the package where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ProviderError(
            engine,
            ProviderFault.UNSUPPORTED,
            f"The voice engine {engine} needs the package {package}: install it, or choose another "
            "engine.",
            detail=str(error)[:200],
        ) from error
