"""How a log record becomes a line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from services.observability.redaction import Redactor

turn_id: ContextVar[str | None] = ContextVar("turn_id", default=None)
"""The turn a log line belongs to; bound while a turn runs."""

correlation: ContextVar[str | None] = ContextVar("correlation", default=None)
"""What a log line is about from the event on: the message taken in, unless a frontend says."""

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
    *("message", "asctime", "taskName", "turn", "correlation"),
}
_CONTENT = frozenset({"text", "content", "prompt", "reply"})


@contextmanager
def correlated(value: str | None) -> Iterator[None]:
    """Bind ``correlation`` inside the block."""
    token = correlation.set(value)
    try:
        yield
    finally:
        correlation.reset(token)


def mark(record: logging.LogRecord) -> None:
    """Note on ``record`` what it belongs to; only the task that logs knows."""
    record.turn = turn_id.get()
    record.correlation = correlation.get()


class _Lines(logging.Formatter):
    """What both formats share: which fields there are, and that no secret stays in the line.

    Fields that hold message text are left out unless ``log_content`` is on.
    """

    def __init__(self, *, log_content: bool, redactor: Redactor) -> None:
        super().__init__()
        self._log_content = log_content
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return ``record`` as one entry, redacted."""
        return self._redactor.redact(self._line(record))

    def _line(self, record: logging.LogRecord) -> str:
        raise NotImplementedError

    def _fields(self, record: logging.LogRecord) -> Iterator[tuple[str, object]]:
        for name in ("correlation", "turn"):
            if (value := getattr(record, name, None)) is not None:
                yield name, value
        for name, value in record.__dict__.items():
            if name not in _STANDARD and (name not in _CONTENT or self._log_content):
                yield name, value


class JsonLines(_Lines):
    """One JSON object per line: time, level, logger, event, what it belongs to and the extras."""

    def _line(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **dict(self._fields(record)),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class ConsoleLines(_Lines):
    """A line for people: local time, level, event, the fields as name=value, then the logger.

    A traceback follows on lines of its own.
    """

    def _line(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        event = record.getMessage().replace("\n", " ")
        fields = "".join(f"  {name}={_shown(value)}" for name, value in self._fields(record))
        line = f"{at:%Y-%m-%d %H:%M:%S} {record.levelname:<8} {event}{fields}  [{record.name}]"
        if record.exc_info:
            trace = self.formatException(record.exc_info).replace("\n", "\n    ")
            line = f"{line}\n    {trace}"
        return line


def _shown(value: object) -> str:
    text = str(value)
    plain = text.isprintable() and not any(character in text for character in ' "=')
    return text if text and plain else json.dumps(text, ensure_ascii=False)
