"""The child's side: loads the engine, takes jobs and answers them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import BinaryIO, cast

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.jobs import Engine, Job, Taken
from services.voice.engines.wire import Frame, Header, read_frame_blocking

_LAST_WORK_SECONDS = 1.0
_STOP = None


class Child:
    """Serves the engine that the first frame names, ``concurrency`` jobs at a time."""

    def __init__(self, asked: BinaryIO, answers: BinaryIO, *, concurrency: int) -> None:
        self._asked = asked
        self._answers = answers
        self._writing = threading.Lock()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._open: dict[int, Job] = {}
        self._concurrency = concurrency

    def serve(self) -> bool:
        """Work until the parent closes its end; return whether no job is left unfinished."""
        engine = self._loaded()
        if engine is None:
            return True
        workers = [
            threading.Thread(target=self._work, args=(engine,), daemon=True)
            for _ in range(self._concurrency)
        ]
        for worker in workers:
            worker.start()
        while frame := read_frame_blocking(self._asked):
            self._take(frame)
        for job in list(self._open.values()):
            job.cancel()
        for _ in workers:
            self._jobs.put(_STOP)
        until = time.monotonic() + _LAST_WORK_SECONDS
        for worker in workers:
            worker.join(max(0.0, until - time.monotonic()))
        return not any(worker.is_alive() for worker in workers)

    def _loaded(self) -> Engine | None:
        first = read_frame_blocking(self._asked)
        if first is None:
            return None
        try:
            module, _, function = first.header["factory"].partition(":")
            make = cast(Callable[[Header], Engine], getattr(import_module(module), function))
            engine = make(first.header["options"])
        except Exception as error:  # noqa: BLE001  whatever an SDK raises is the parent's to tell
            self.say({"failed": _told(error)})
            return None
        self.say({"ready": True, **engine.about()})
        return engine

    def _take(self, frame: Frame) -> None:
        if (number := frame.header.get("cancel")) is not None:
            if job := self._open.get(number):
                job.cancel()
            return
        job = Job(frame.header["job"], frame.header, frame.payload, self.say)
        self._open[job.number] = job
        self._jobs.put(job)

    def _work(self, engine: Engine) -> None:
        while (job := self._jobs.get()) is not _STOP:
            try:
                job.check()
                engine.run(job)
            except Taken:
                pass
            except Exception as error:  # noqa: BLE001  a job's failure must not end the engine
                self.say({"job": job.number, "error": _told(error)})
            finally:
                self._open.pop(job.number, None)

    def say(self, header: Header, payload: bytes = b"") -> None:
        """Write one answer."""
        frame = Frame(header=header, payload=payload).encoded()
        with self._writing:
            try:
                self._answers.write(frame)
                self._answers.flush()
            except OSError:
                raise Taken from None


def _told(error: Exception) -> dict[str, str]:
    if isinstance(error, ProviderError):
        fault, message, detail = error.fault, error.user_message, error.detail
    elif isinstance(error, ImportError) and error.name:
        fault, detail = ProviderFault.UNSUPPORTED, ""
        message = f"A voice engine needs the Python module {error.name}, which is not installed."
    else:
        fault, detail = ProviderFault.SERVER_ERROR, f"{type(error).__name__}: {error}"[:500]
        message = "The voice engine failed; try again, or choose another engine."
    return {"fault": fault.value, "message": message, "detail": detail}
