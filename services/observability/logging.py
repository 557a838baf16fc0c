"""Where log lines go: a rotated file of JSON lines, without message text."""

from __future__ import annotations

import json
import logging
import logging.handlers
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

turn_id: ContextVar[str | None] = ContextVar("turn_id", default=None)
"""The turn a log line belongs to; bound while a turn runs."""

_LARGEST_FILE = 5 * 1024 * 1024
_KEPT_FILES = 3
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_CONTENT = frozenset({"text", "content", "prompt", "reply"})


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, event, turn and the extra fields.

    Fields that hold message text are left out unless ``log_content`` is on.
    """

    def __init__(self, *, log_content: bool) -> None:
        super().__init__()
        self._log_content = log_content

    def format(self, record: logging.LogRecord) -> str:
        """Return ``record`` as one line of JSON."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if (turn := turn_id.get()) is not None:
            line["turn"] = turn
        for key, value in record.__dict__.items():
            if key in _STANDARD or (key in _CONTENT and not self._log_content):
                continue
            line[key] = value
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def start_logging(file: Path, *, level: str, log_content: bool) -> None:
    """Send the program's log to ``file``, rotated at 5 MB with three old files kept.

    A file that cannot be opened turns logging off rather than stopping the program.
    """
    root = logging.getLogger()
    root.setLevel(level)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            file, maxBytes=_LARGEST_FILE, backupCount=_KEPT_FILES, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(JsonLines(log_content=log_content))
    root.handlers[:] = [handler]
    logging.raiseExceptions = False
    for noisy in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
