"""Our own chats: one JSON object with every branch, every version, times and witnesses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.conversation.transcripts.transcript import (
    LONGEST_NAME,
    MOST_MESSAGES,
    Line,
    Speaker,
    Transcript,
    clean,
    text_of,
    unreadable,
)
from services.domain.ids import AuthorId, ConversationId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind

FORMAT = "acore.chat"
VERSION = 1

_LONGEST_KEY = 200


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Author(_Strict):
    name: str = Field(max_length=LONGEST_NAME)
    kind: AuthorKind
    account: str | None = Field(None, max_length=_LONGEST_KEY)
    persona: str | None = Field(None, max_length=_LONGEST_KEY)


class _Witnesses(_Strict):
    accounts: tuple[str, ...] = ()
    personas: tuple[str, ...] = ()


class _Message(_Strict):
    id: str = Field(min_length=1, max_length=_LONGEST_KEY)
    parent: str | None = None
    active: bool = True
    author: _Author
    text: str
    heard: str | None = None
    created_at: AwareDatetime
    edited_at: AwareDatetime | None = None
    visibility: Literal["shared", "private", "hidden"] = "shared"
    modality: Literal["text", "voice"] = "text"
    reply_to: str | None = None
    witnesses: _Witnesses = _Witnesses()
    attachments: tuple[object, ...] = ()


class _Chat(_Strict):
    format: Literal["acore.chat"]
    version: int = Field(ge=1, le=VERSION)
    title: str | None = Field(None, max_length=1000)
    head: str | None = None
    messages: tuple[_Message, ...] = Field(max_length=MOST_MESSAGES)


def is_own(data: bytes) -> bool:
    """Tell whether a file looks like one of ours rather than a line-by-line chat."""
    first = data.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
    return FORMAT.encode() in data[:2000] or first.strip() == b"{"


def read_own(data: bytes, *, longest: int, now: datetime) -> Transcript:
    """Return the chat in ``data``; raises ``InvalidRequest`` naming what is wrong.

    Messages of the system are left out and counted, and what follows them follows their parents.
    """
    try:
        chat = _Chat.model_validate(json.loads(text_of(data)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise unreadable(reason=f"{where}: {first['msg'].lower()}") from error
    except (ValueError, RecursionError) as error:
        raise unreadable(reason="it is not JSON") from error
    return _Reader(chat, longest=longest, now=now).transcript()


def write_own(
    entries: Sequence[HistoryEntry],
    conversation: ConversationId,
    *,
    title: str | None,
    head: str | None,
    at: datetime,
) -> dict[str, object]:
    """Return messages of a conversation, in their order, as one JSON object.

    What follows a message that is not among them follows the nearest that is.
    """
    parents: dict[str, str | None] = {entry.message.id: entry.parent for entry in entries}
    return {
        "format": FORMAT,
        "version": VERSION,
        "conversation": str(conversation),
        "title": title,
        "exported_at": at.astimezone(UTC).isoformat(),
        "head": head if head in parents else None,
        "messages": [_written(entry, parents) for entry in entries],
    }


class _Reader:
    def __init__(self, chat: _Chat, *, longest: int, now: datetime) -> None:
        self._chat = chat
        self._longest = longest
        self._now = now
        self._instead: dict[str, str | None] = {}
        self._known: set[str] = set()

    def transcript(self) -> Transcript:
        lines: list[Line] = []
        left_out: dict[str, int] = {}
        standing: set[str | None] = set()
        for message in self._chat.messages:
            self._check(message)
            parent = self._parent(message)
            if message.author.kind is AuthorKind.SYSTEM:
                self._instead[message.id] = parent
                left_out["system"] = left_out.get("system", 0) + 1
                continue
            if message.attachments:
                count = left_out.get("attachments", 0) + len(message.attachments)
                left_out["attachments"] = count
            active = message.active and parent not in standing
            if active:
                standing.add(parent)
            lines.append(self._line(message, parent, active=active))
        head = self._chat.head
        while head in self._instead:
            head = self._instead[head]
        return Transcript(
            lines=tuple(lines),
            head=head if head in self._known else None,
            title=None if self._chat.title is None else clean(self._chat.title),
            left_out=left_out,
        )

    def _check(self, message: _Message) -> None:
        if message.id in self._known:
            raise unreadable(reason="two messages have the same id")
        longest = max(len(message.text), len(message.heard or ""))
        if longest > self._longest:
            raise unreadable(
                reason=f"a message has {longest:,} characters, of {self._longest:,} at most"
            )
        self._known.add(message.id)

    def _parent(self, message: _Message) -> str | None:
        parent = message.parent
        if parent is not None and (parent not in self._known or parent == message.id):
            raise unreadable(reason="a message follows one that does not come before it")
        while parent in self._instead:
            parent = self._instead[parent]
        return parent

    def _line(self, message: _Message, parent: str | None, *, active: bool) -> Line:
        members = [("account", account) for account in message.witnesses.accounts]
        members += [("persona", persona) for persona in message.witnesses.personas]
        author = message.author
        return Line(
            key=message.id,
            parent=parent,
            speaker=Speaker(
                name=clean(author.name),
                kind=author.kind,
                account=author.account,
                persona=author.persona,
            ),
            text=clean(message.text),
            at=min(message.created_at, self._now),
            dated=message.created_at <= self._now,
            active=active,
            heard=None if message.heard is None else clean(message.heard),
            edited_at=message.edited_at,
            visibility=message.visibility,
            modality=message.modality,
            reply_to=message.reply_to,
            witnesses=tuple(sorted(members)),
        )


def _written(entry: HistoryEntry, parents: Mapping[str, str | None]) -> dict[str, object]:
    message = entry.message
    return {
        "id": message.id,
        "parent": entry.parent,
        "active": entry.active,
        "author": {
            "name": message.author.display_name,
            "kind": message.author.kind.value,
            "account": str(message.author.id),
            "persona": message.author.persona,
        },
        "text": message.text,
        "heard": entry.heard,
        "created_at": message.created_at.isoformat(),
        "edited_at": None if entry.edited_at is None else entry.edited_at.isoformat(),
        "visibility": message.visibility.value,
        "modality": message.modality.value,
        "reply_to": message.reply_to if message.reply_to in parents else None,
        "source": message.source.value,
        "witnesses": {
            "accounts": sorted(str(one) for one in entry.witnesses if isinstance(one, AuthorId)),
            "personas": sorted(one for one in entry.witnesses if isinstance(one, str)),
        },
        "attachments": [
            {"kind": part.kind, "name": part.name, "media_type": part.media_type}
            for part in message.attachments
        ],
    }
