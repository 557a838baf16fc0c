"""Chats of SillyTavern: a header and then a message per line, each a JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from services.conversation.transcripts.transcript import (
    LONGEST_NAME,
    MOST_MESSAGES,
    Line,
    Speaker,
    Transcript,
    chained,
    clean,
    text_of,
    unreadable,
)
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind

_STEP = timedelta(seconds=1)
_STAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})\s*@\s*(\d{1,2})h\s*(\d{1,2})m\s*(\d{1,2})s(?:\s*(\d{1,3})ms)?"
)
_WRITTEN_OUT = ("%B %d, %Y %I:%M%p", "%B %d, %Y %I:%M %p", "%B %d, %Y %H:%M")
_MILLISECONDS = 1e11  # a later number of seconds lies beyond the year 5000
_SYSTEM = "system"


def read_sillytavern(data: bytes, *, longest: int, now: datetime) -> Transcript:
    """Return the chat in ``data``; raises ``InvalidRequest`` naming the line that is wrong.

    Lines of the system and of narrators are left out and counted: nothing taken in speaks with the
    system's voice. A message without a readable date comes a second after the one before.
    """
    rows = list(_objects(text_of(data)))
    if not rows:
        raise unreadable(reason="it is empty")
    header: Mapping[str, object] = {}
    if "mes" not in rows[0][1]:
        header = rows.pop(0)[1]
    reader = _Reader(longest=longest, now=now, began=_moment(header.get("create_date")))
    for number, row in rows:
        reader.take(number, row)
    return reader.transcript(character=_name(header.get("character_name")))


def write_sillytavern(
    branch: Sequence[tuple[HistoryEntry, Sequence[HistoryEntry]]], *, user: str, character: str
) -> str:
    """Return the branch that stands as SillyTavern reads it, each message with its versions."""
    first = branch[0][0].message.created_at if branch else None
    lines: list[Mapping[str, object]] = [
        {
            "user_name": user,
            "character_name": character,
            "create_date": "" if first is None else _stamped(first),
            "chat_metadata": {},
        }
    ]
    for entry, versions in branch:
        author = entry.message.author
        row: dict[str, object] = {
            "name": author.display_name,
            "is_user": author.kind is not AuthorKind.PERSONA,
            "is_system": False,
            "send_date": entry.message.created_at.astimezone(UTC).isoformat(),
            "mes": entry.text,
            "extra": {},
        }
        if len(versions) > 1:
            ids = [version.message.id for version in versions]
            row |= {
                "swipe_id": ids.index(entry.message.id),
                "swipes": [version.text for version in versions],
                "swipe_info": [
                    {"send_date": version.message.created_at.astimezone(UTC).isoformat()}
                    for version in versions
                ],
            }
        lines.append(row)
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)


class _Reader:
    """Takes in messages one by one."""

    def __init__(self, *, longest: int, now: datetime, began: datetime | None) -> None:
        self._longest = longest
        self._now = now
        self._at = began or now
        self._lines: list[Line] = []
        self._head: str | None = None
        self._system = 0

    def take(self, number: int, row: Mapping[str, object]) -> None:
        words = row.get("mes")
        if not isinstance(words, str):
            raise unreadable(reason=f"line {number} has no text under “mes”")
        extra = row.get("extra")
        kind = extra.get("type") if isinstance(extra, Mapping) else None
        if row.get("is_system") or isinstance(kind, str):
            self._system += 1
            return
        texts, standing = _versions(number, row, words)
        speaker = Speaker(
            name=_name(row.get("name")) or ("User" if row.get("is_user") else "Character"),
            kind=AuthorKind.HUMAN if row.get("is_user") else AuthorKind.PERSONA,
        )
        found = _moment(row.get("send_date"))
        dated = found is not None and found <= self._now
        self._at = found if found is not None and dated else self._guessed()
        parent, chosen = self._head, None
        for index, text in enumerate(texts):
            if len(text) > self._longest:
                raise unreadable(
                    reason=f"line {number} has {len(text):,} characters, of {self._longest:,} at "
                    "most"
                )
            line = Line(
                key=chained(parent, speaker.kind, speaker.name, str(index), text),
                parent=parent,
                speaker=speaker,
                text=clean(text),
                at=self._at,
                dated=dated,
                active=index == standing,
            )
            self._lines.append(line)
            if index == standing:
                chosen = line.key
        if len(self._lines) > MOST_MESSAGES:
            raise unreadable(reason=f"it holds more than {MOST_MESSAGES:,} messages")
        self._head = chosen

    def transcript(self, *, character: str) -> Transcript:
        return Transcript(
            lines=tuple(self._lines),
            head=self._head,
            character=character or None,
            left_out={_SYSTEM: self._system} if self._system else {},
        )

    def _guessed(self) -> datetime:
        return min(self._at + _STEP, self._now) if self._lines else min(self._at, self._now)


def _objects(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise unreadable(reason=f"line {number} is not JSON") from error
        if not isinstance(value, Mapping):
            raise unreadable(reason=f"line {number} is not a message")
        yield number, value


def _versions(number: int, row: Mapping[str, object], words: str) -> tuple[list[str], int]:
    """Return the versions of a message and which one stands."""
    swipes, standing = row.get("swipes"), row.get("swipe_id")
    if not isinstance(swipes, list) or not swipes:
        return [words], 0
    if not all(isinstance(text, str) for text in swipes):
        raise unreadable(reason=f"line {number} has versions that are no text")
    if isinstance(standing, int) and 0 <= standing < len(swipes):
        # What is shown was perhaps edited after it was swiped to.
        return [*swipes[:standing], words, *swipes[standing + 1 :]], standing
    return [*swipes, words] if words not in swipes else swipes, (
        len(swipes) if words not in swipes else swipes.index(words)
    )


def _name(value: object) -> str:
    return clean(value).strip()[:LONGEST_NAME] if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    """Return a date as SillyTavern has written it over time; without a zone it is taken as UTC."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            seconds = value / 1000 if abs(value) > _MILLISECONDS else value
            return datetime.fromtimestamp(seconds, tz=UTC)
        if not isinstance(value, str):
            return None
        if match := _STAMP.fullmatch(value.strip()):
            *parts, thousandths = (int(group or 0) for group in match.groups())
            return datetime(*parts, thousandths * 1000, tzinfo=UTC)  # type: ignore[arg-type,misc]
        return _parsed(value.strip())
    except (ValueError, OverflowError, OSError):
        return None


def _parsed(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        for form in _WRITTEN_OUT:
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
        return _moment(int(text)) if text.isascii() and text.isdigit() else None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _stamped(moment: datetime) -> str:
    at = moment.astimezone(UTC)
    return f"{at.year}-{at.month}-{at.day} @{at:%H}h {at:%M}m {at:%S}s {at.microsecond // 1000}ms"
