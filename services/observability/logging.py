"""The program's log: what is logged goes through a bounded queue to a thread that writes it."""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import Iterable
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from services.observability.log_file import LogFile
from services.observability.log_lines import (
    ConsoleLines,
    JsonLines,
    correlated,
    correlation,
    mark,
    turn_id,
)
from services.observability.redaction import Redactor, secret_values
from services.settings import LoggingSettings

__all__ = [
    "correlated",
    "correlation",
    "hidden_secrets",
    "hide_secrets",
    "reconfigure_logging",
    "secret_values",
    "start_logging",
    "stop_logging",
    "turn_id",
]

logger = logging.getLogger(__name__)

_MOST_WAITING = 10_000
_NOISY = ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "asyncio")

Waiting = SimpleQueue[logging.LogRecord | None]


class _Intake(QueueHandler):
    """Puts records on the queue without ever waiting; what does not fit is dropped and counted."""

    def __init__(self, waiting: Waiting) -> None:
        super().__init__(waiting)
        self._waiting = waiting
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Fix what only the caller knows; turning it into text is left to the writing thread."""
        mark(record)
        record.msg, record.args = record.getMessage(), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Hand ``record`` over unless too many wait. Also safe inside a signal's reaction."""
        if self._waiting.qsize() >= _MOST_WAITING:
            self.dropped += 1
        else:
            self._waiting.put(record)


class _Writer(QueueListener):
    """Writes records in a thread of its own."""

    _thread: Thread | None

    def __init__(
        self, intake: _Intake, waiting: Waiting, targets: Iterable[logging.Handler]
    ) -> None:
        super().__init__(waiting, *targets)
        self._intake = intake
        self._told = 0

    def handle(self, record: logging.LogRecord) -> None:
        """Write ``record`` and, when some were dropped since the last one, say how many."""
        try:
            super().handle(record)
        except Exception as error:  # noqa: BLE001  a record that cannot be shown ends no log
            self._remark(
                "a log line could not be shown", source=record.name, problem=type(error).__name__
            )
        if lost := self._intake.dropped - self._told:
            self._told += lost
            self._remark("log lines were dropped", lost=lost)

    def _remark(self, event: str, **extra: object) -> None:
        level = {"levelname": "WARNING", "levelno": logging.WARNING}
        super().handle(logging.makeLogRecord({"name": __name__, "msg": event, **level, **extra}))

    def finish(self, seconds: float) -> None:
        """Write what waits, for at most ``seconds``, and close."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.enqueue_sentinel()
        thread.join(seconds)
        if not thread.is_alive():
            for target in self.handlers:
                target.close()


class _Log:
    """The log of this process while it is on."""

    def __init__(self, settings: LoggingSettings, file: Path, *, redactor: Redactor) -> None:
        self.redactor = redactor
        targets: list[logging.Handler] = []
        if settings.output != "stderr":
            targets.append(LogFile(file))
        if settings.output != "file":
            targets.append(logging.StreamHandler(sys.stderr))
        lines = JsonLines if settings.format == "json" else ConsoleLines
        for target in targets:
            target.setFormatter(lines(log_content=settings.log_content, redactor=redactor))
        waiting: Waiting = SimpleQueue()
        self.intake = _Intake(waiting)
        self.writer = _Writer(self.intake, waiting, targets)


_running: list[_Log] = []


def start_logging(settings: LoggingSettings, file: Path, *, secrets: Iterable[str] = ()) -> None:
    """Send the program's log where ``settings`` say, to ``file`` or standard error.

    Nothing in a line equals one of ``secrets`` or looks like a key. Logging never waits: lines are
    written by a thread, and when 10,000 wait, further ones are dropped and counted. A file that
    cannot be written to costs lines, never the program.
    """
    stop_logging()
    log = _Log(settings, file, redactor=Redactor(secrets))
    logging.getLogger().handlers[:] = [log.intake]
    logging.raiseExceptions = False
    _set_level(settings.level)
    log.writer.start()
    _running.append(log)


def reconfigure_logging(settings: LoggingSettings) -> None:
    """Take over the level."""
    if _running:
        _set_level(settings.level)


def hide_secrets(secrets: Iterable[str]) -> None:
    """Keep ``secrets`` out of what is written from now on; earlier ones stay hidden."""
    for log in _running:
        log.redactor.learn(secrets)


def hidden_secrets() -> frozenset[str]:
    """Return the secrets that are kept out of what is written, in every form they may take."""
    return _running[-1].redactor.known if _running else frozenset()


def stop_logging(seconds: float = 2.0) -> None:
    """Write what waits, for at most ``seconds``; what is logged from now on is lost."""
    while _running:
        log = _running.pop()
        root = logging.getLogger()
        silent = logging.NullHandler()  # without any handler, Python writes to standard error
        root.handlers[:] = [silent if one is log.intake else one for one in root.handlers]
        log.writer.finish(seconds)


def _set_level(level: str) -> None:
    root = logging.getLogger()
    root.setLevel(level)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


atexit.register(stop_logging)
