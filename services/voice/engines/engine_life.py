"""One run of an engine's child process, and the jobs it has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.wire import Frame, Header

_MOST_JOBS = 64
_MOST_WAITING_BYTES = 1 << 26


@dataclass(slots=True)
class _Answers:
    queue: asyncio.Queue[Frame | ProviderError] = field(default_factory=asyncio.Queue)
    received: int = 0


class EngineLife:
    """``ready`` is set when the engine is loaded or will not be, for which see ``failure``."""

    def __init__(self, name: str) -> None:
        self.ready = asyncio.Event()
        self.failure: ProviderError | None = None
        self.about: Header = {}
        self._name = name
        self._child: asyncio.subprocess.Process | None = None
        self._jobs: dict[int, _Answers] = {}

    @property
    def process_id(self) -> int | None:
        """Return the child's id once it was started."""
        return self._child.pid if self._child is not None else None

    def attach(self, child: asyncio.subprocess.Process) -> None:
        """Talk to this child from now on."""
        self._child = child

    def send(self, header: Header, payload: bytes = b"") -> None:
        """Write a frame to the child; nothing happens once it is gone."""
        pipe = self._child.stdin if self._child is not None else None
        if pipe is not None and not pipe.is_closing():
            pipe.write(Frame(header=header, payload=payload).encoded())

    def begin(
        self, job: int, header: Header, payload: bytes
    ) -> asyncio.Queue[Frame | ProviderError]:
        """Send a job and return where its answers arrive. Raises ``ProviderError`` when full."""
        if self.failure is not None:
            raise self.error()
        if len(self._jobs) >= _MOST_JOBS:
            sentence = f"The voice engine {self._name} has too much to do; try again in a moment."
            raise ProviderError(self._name, ProviderFault.OVERLOADED, sentence)
        answers = self._jobs[job] = _Answers()
        self.send({**header, "job": job}, payload)
        return answers.queue

    def forget(self, job: int, *, cancel: bool) -> None:
        """Drop what still comes for a job, and tell the child when it need not go on."""
        if self._jobs.pop(job, None) is not None and cancel:
            self.send({"cancel": job})

    def deliver(self, frame: Frame) -> None:
        """Give an answer to the job it belongs to, if that is still wanted."""
        answers = self._jobs.get(frame.header.get("job", 0))
        if answers is None:
            return
        answers.received += len(frame.payload)
        if error := frame.header.get("error"):
            answers.queue.put_nowait(self.told(error))
        elif answers.received > _MOST_WAITING_BYTES:
            sentence = f"The voice engine {self._name} does not stop; say less at once."
            fault = ProviderFault.MALFORMED
            answers.queue.put_nowait(ProviderError(self._name, fault, sentence))
        else:
            answers.queue.put_nowait(frame)

    def told(self, error: Mapping[str, Any]) -> ProviderError:
        """Return the error that the child reported."""
        return ProviderError(
            self._name,
            ProviderFault(error["fault"]),
            str(error["message"]),
            detail=str(error.get("detail", "")),
        )

    def error(self) -> ProviderError:
        """Return a new error that says why the engine does not run."""
        known = self.failure
        if known is not None:
            return ProviderError(self._name, known.fault, known.user_message, detail=known.detail)
        sentence = f"The voice engine {self._name} stopped and is started again; try again."
        return ProviderError(self._name, ProviderFault.BROKEN_STREAM, sentence)

    def kill(self) -> None:
        """End the child at once."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()

    def end(self) -> None:
        """Fail all jobs; idempotent."""
        self.failure = self.error()
        self.ready.set()
        while self._jobs:
            _, answers = self._jobs.popitem()
            answers.queue.put_nowait(self.error())
