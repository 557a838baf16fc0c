"""A conversation as it stands in a file, whatever the format."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.domain.errors import InvalidRequest
from services.domain.people import AuthorKind

LARGEST_BYTES = 32 * 2**20
"""Size of a file that is taken in."""
MOST_MESSAGES = 100_000
"""Messages of a file, other versions included."""
LONGEST_NAME = 200

_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who said something: a name, and the account or character where the file tells."""

    name: str
    kind: AuthorKind
    account: str | None = None
    persona: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message. ``key`` names it within its file; ``parent`` is what it follows.

    Lines that share a parent are versions of each other, one of which may be ``active``. The time
    of one that is not ``dated`` is a guess, another at every reading.
    """

    key: str
    parent: str | None
    speaker: Speaker
    text: str
    at: datetime
    dated: bool = True
    active: bool = True
    heard: str | None = None
    edited_at: datetime | None = None
    visibility: str = "shared"
    modality: str = "text"
    reply_to: str | None = None
    witnesses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A conversation, parents before what follows them; ``head`` is the end that stands.

    ``left_out`` counts what a file held and a conversation does not take: lines in the system's
    voice, attachments.
    """

    lines: tuple[Line, ...]
    head: str | None
    title: str | None = None
    character: str | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)


def text_of(data: bytes) -> str:
    """Return a file's text; raises ``InvalidRequest`` for one that is too large or not UTF-8."""
    if len(data) > LARGEST_BYTES:
        raise InvalidRequest(
            "chat_too_large",
            f"That file has {len(data) / 2**20:,.0f} MB; chats of up to "
            f"{LARGEST_BYTES // 2**20} MB are taken in.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(reason="it is not UTF-8 text") from error


def unreadable(*, reason: str) -> InvalidRequest:
    """Say why a file is not taken in."""
    return InvalidRequest("chat_unreadable", f"That chat cannot be taken in: {reason}.")


def clean(text: str) -> str:
    """Return text that can be stored: no NUL, no halves of surrogate pairs."""
    return _SURROGATE.sub("\ufffd", text.replace("\0", ""))


def chained(parent: str | None, *parts: str) -> str:
    """Return a name for a line that depends on it and on all before it."""
    joined = "\x00".join((parent or "", *parts))
    return hashlib.sha256(joined.encode("utf-8", "replace")).hexdigest()
