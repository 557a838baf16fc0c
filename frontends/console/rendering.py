"""Events and entries as JSON objects, one per line of output."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence, Set
from datetime import datetime

from services.domain.events import Notice
from services.domain.ids import AuthorId, ConversationId
from services.domain.messages import HistoryEntry
from services.domain.replies import ReplyEvent


def json_line(value: Mapping[str, object]) -> str:
    """Return ``value`` as one line of JSON, line end included."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":")) + "\n"


def event_fields(event: ReplyEvent | Notice) -> dict[str, object]:
    """Return an event's fields, ``kind`` first."""
    names = [field.name for field in dataclasses.fields(event) if field.name != "kind"]
    return {"kind": event.kind} | {name: getattr(event, name) for name in names}


def entry_fields(entry: HistoryEntry) -> dict[str, object]:
    """Return what people want to know of a recorded message."""
    return {
        "message": entry.message.id,
        "ordinal": entry.ordinal,
        "author": entry.message.author.display_name,
        "author_kind": entry.message.author.kind,
        "text": entry.text,
        "turn": entry.turn,
        "created_at": entry.message.created_at,
    }


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, ConversationId | AuthorId):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence | Set):
        return [_plain(inner) for inner in value]
    return str(value)
