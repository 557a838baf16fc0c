"""What a chat would teach, without storing anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from services.domain.errors import InvalidRequest
from services.domain.ids import ConversationId, MessageId, PersonaId, PersonId
from services.memory.learning.contradictions import resolve
from services.memory.learning.echoes import Earlier
from services.memory.learning.extraction import Claim, examine
from services.memory.learning.fact import Fact, Origin, Outcome, Party, Telling, fact_from
from services.memory.learning.fact_rules import learn_by_rule
from services.memory.learning.rules.findings import Finding, Refusal
from services.memory.learning.slots import plain, rivals

_LISTENER = PersonaId("listener")
_NOWHERE = ConversationId("chat", "local", "chat")
_REMEMBERED = 12
_MILLISECONDS = 10**11


class Speaker(StrEnum):
    """What stands behind a line."""

    PERSON = "person"
    PERSONA = "persona"
    SYSTEM = "system"


_ROLES = {
    "user": Speaker.PERSON,
    "human": Speaker.PERSON,
    "assistant": Speaker.PERSONA,
    "persona": Speaker.PERSONA,
    "character": Speaker.PERSONA,
    "model": Speaker.PERSONA,
    "bot": Speaker.PERSONA,
    "system": Speaker.SYSTEM,
    "tool": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of a chat; ``index`` counts from 0, ``id`` is the chat's own, if it has any."""

    index: int
    name: str
    speaker: Speaker
    text: str
    said_at: datetime
    id: str | None = None
    conversation: str = ""


@dataclass(slots=True)
class _Place:
    """What was said so far in one conversation of the chat."""

    others: dict[str, None] = field(default_factory=dict)
    people: dict[str, None] = field(default_factory=dict)
    earlier: list[str] = field(default_factory=list)


class ChatTrial:
    """Reads a chat line by line as the learner would, one listening character in all places."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.rejected: list[tuple[int, str]] = []
        self._facts: dict[tuple[str, str, str, str], list[Fact]] = defaultdict(list)
        self._places: dict[str, _Place] = defaultdict(_Place)
        self._values: dict[int, list[str]] = defaultdict(list)
        self._earlier: dict[int, tuple[Earlier, tuple[str, ...]]] = {}
        self._numbers = 0

    @property
    def facts(self) -> list[Fact]:
        """What was learnt, in the order it was said; ``message`` is the index of its line."""
        found = [each for facts in self._facts.values() for each in facts if not each.ending]
        return sorted(found, key=lambda each: (int(each.message or 0), each.id))

    def learn_by_rule(self) -> None:
        """Read every line."""
        for line in self.lines:
            self._read(line)

    def learn_claims(self, line: Line, claims: Sequence[Claim]) -> None:
        """Keep what a model claims of a line that was read before, as far as the line says it."""
        earlier, others = self._earlier.get(line.index, (Earlier(()), ()))
        for claim in claims:
            found = examine(claim, line.text, teller=line.name, others=others, earlier=earlier)
            if isinstance(found, Refusal):
                self.rejected.append((line.index, found.value))
            elif not any(_overlap(found.value, each) for each in self._values[line.index]):
                self._keep(found, line, Origin.MODEL)

    def _read(self, line: Line) -> None:
        place = self._places[line.conversation]
        if line.speaker is not Speaker.PERSON:
            place.earlier = [line.text, *place.earlier][:_REMEMBERED]
            place.others[line.name] = None
            self.rejected.append((line.index, Refusal.NOT_A_PERSON.value))
            return
        earlier = Earlier(place.earlier)
        others = tuple(each for each in (*place.others, *place.people) if each != line.name)
        self._earlier[line.index] = (earlier, others)
        place.people[line.name] = None
        reading = learn_by_rule(line.text, teller=line.name, others=others, earlier=earlier)
        outcomes = [self._keep(each, line, Origin.RULE) for each in reading.findings]
        self.rejected += [(line.index, reason.value) for reason in reading.refusals]
        if outcomes and all(each is Outcome.KNOWN for each in outcomes):
            self.rejected.append((line.index, Outcome.KNOWN.value))

    def _keep(self, finding: Finding, line: Line, origin: Origin) -> Outcome:
        self._numbers += 1
        self._values[line.index].append(finding.value)
        told = Telling(
            teller=Party(name=line.name, person=PersonId(line.name.casefold())),
            persona=_LISTENER,
            conversation=_NOWHERE,
            message=MessageId(str(line.index)),
            said_at=line.said_at,
            origin=origin,
        )
        fact = fact_from(
            finding,
            told,
            id=f"{self._numbers:012}",
            audience=0,
            about=None if finding.about is None else Party(name=finding.about),
            now=line.said_at,
        )
        stored = self._beside(fact, line)
        found = resolve(fact, stored, ends=finding.ends, replaces=finding.replaces)
        for each in (*found.changed, found.fact):
            self._store(each, line)
        return found.outcome

    def _beside(self, fact: Fact, line: Line) -> list[Fact]:
        return [
            each for slot in rivals(fact.slot) for each in self._facts[_shelf(fact, slot, line)]
        ]

    def _store(self, fact: Fact, line: Line) -> None:
        shelf = self._facts[_shelf(fact, fact.slot, line)]
        shelf[:] = [*(each for each in shelf if each.id != fact.id), fact]


def read_lines(chat: object, *, now: datetime) -> list[Line]:
    """Return the lines of a chat; undated ones follow each other by a second, from ``now``.

    A chat is a list of objects with ``role`` and ``content``, and perhaps ``name``, ``time`` (ISO
    8601 or seconds or milliseconds since 1970), ``id`` and ``conversation``. Raises
    ``InvalidRequest`` naming the first line that is wrong.
    """
    listed = chat.get("messages") if isinstance(chat, dict) else chat
    if not isinstance(listed, list):
        raise InvalidRequest("chat_list", "The chat has to be a list of messages.")
    lines: list[Line] = []
    last = now
    for index, raw in enumerate(listed):
        if not isinstance(raw, dict):
            raise InvalidRequest("chat_message", f"Message {index + 1} of the chat is no object.")
        said_at = _moment(raw.get("time"), index) or last + timedelta(seconds=1)
        last = said_at
        lines.append(_line(raw, index, said_at))
    return lines


def _line(raw: dict[str, object], index: int, said_at: datetime) -> Line:
    role, content = raw.get("role"), raw.get("content")
    speaker = _ROLES.get(role.lower()) if isinstance(role, str) else None
    if speaker is None:
        raise InvalidRequest(
            "chat_role", f"Message {index + 1} of the chat needs a role: user, assistant or system."
        )
    if not isinstance(content, str):
        raise InvalidRequest("chat_content", f"Message {index + 1} of the chat has no text.")
    name, given = raw.get("name"), raw.get("id")
    return Line(
        index=index,
        name=name.strip() if isinstance(name, str) and name.strip() else str(role).title(),
        speaker=speaker,
        text=content,
        said_at=said_at,
        id=None if given is None else str(given),
        conversation=str(raw.get("conversation") or ""),
    )


def _moment(raw: object, index: int) -> datetime | None:
    wrong = InvalidRequest("chat_time", f"Message {index + 1} of the chat has no readable time.")
    if raw is None or raw == "":
        return None
    try:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            seconds = raw / 1000 if abs(raw) >= _MILLISECONDS else raw
            return datetime.fromtimestamp(seconds, UTC)
        if isinstance(raw, str):
            found = datetime.fromisoformat(raw.strip())
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise wrong from error
    raise wrong


def _shelf(fact: Fact, slot: str, line: Line) -> tuple[str, str, str, str]:
    return (line.conversation, line.name.casefold(), fact.subject, slot)


def _overlap(value: str, known: str) -> bool:
    one, other = f" {plain(value)} ", f" {plain(known)} "
    return one in other or other in one
