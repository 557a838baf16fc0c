"""What happens while a persona answers: a closed union of events, and where they go.

Per turn and per sink: ``[TurnStarted (TextDelta | SentenceReady | PartAdded | AlternativeAdded |
ToolStarted ToolFinished? | ConfirmationRequested)*] terminal``, with exactly one terminal, last;
the bracket is absent only when the turn ended before it started. Sentences count 1..n, no gaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from services.domain.ids import ActionId, ConversationId, MessageId, PersonaId, TurnId
from services.domain.messages import BlobPart, Message, Modality
from services.domain.people import Author


class InterruptReason(StrEnum):
    """Who or what stopped a turn."""

    USER_STOP = "user_stop"
    BARGE_IN = "barge_in"
    SUPERSEDED = "superseded"
    SHUTDOWN = "shutdown"
    CRASH = "crash"


class TurnKind(StrEnum):
    """What asked for the turn."""

    REPLY = "reply"
    REGENERATE = "regenerate"
    CONTINUE = "continue"
    INITIATIVE = "initiative"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as counted by the model's server, and how long it took; zero when it did not say."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    first_token_seconds: float | None = None
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        """Sum of two rounds of one turn; the first token is the earlier round's."""
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            first_token_seconds=self.first_token_seconds
            if self.first_token_seconds is not None
            else other.first_token_seconds,
            seconds=self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A stored answer: exactly what was delivered."""

    message: MessageId
    persona: PersonaId
    text: str
    ordinal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted:
    """The persona begins to answer."""

    turn: TurnId
    conversation: ConversationId
    persona: PersonaId
    persona_name: str
    kind: Literal["turn_started"] = "turn_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """More of the answer's text."""

    text: str
    kind: Literal["text_delta"] = "text_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceReady:
    """A whole sentence: ``text`` as written, ``speech_text`` as it should be spoken.

    Comes right after the delta that completes it, and is already stored.
    """

    index: int
    text: str
    speech_text: str
    kind: Literal["sentence_ready"] = "sentence_ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAdded:
    """A picture, sound or file belongs to the answer."""

    part: BlobPart
    kind: Literal["part_added"] = "part_added"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeAdded:
    """This answer is version ``index`` (from 0) of ``count`` of an earlier one."""

    index: int
    count: int
    kind: Literal["alternative_added"] = "alternative_added"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """A tool is at work."""

    call_id: str
    name: str
    arguments: Mapping[str, object]
    kind: Literal["tool_started"] = "tool_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished:
    """A tool has answered or failed."""

    call_id: str
    name: str
    is_error: bool
    summary: str
    kind: Literal["tool_finished"] = "tool_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationRequested:
    """A tool waits for a person's yes; the stored action outlives the turn."""

    action: ActionId
    tool: str
    arguments: Mapping[str, object]
    question: str
    kind: Literal["confirmation_requested"] = "confirmation_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished:
    """The answer is complete and stored."""

    turn: TurnId
    reply: Reply
    usage: Usage
    kind: Literal["turn_finished"] = "turn_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInterrupted:
    """The answer was stopped; ``delivered`` is what reached people and is stored."""

    turn: TurnId
    reason: InterruptReason
    delivered: str
    reply: Reply | None = None
    kind: Literal["turn_interrupted"] = "turn_interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFailed:
    """The answer could not be given; ``user_message`` is one sentence for people."""

    turn: TurnId
    code: str
    user_message: str
    delivered: str = ""
    reply: Reply | None = None
    kind: Literal["turn_failed"] = "turn_failed"


Terminal = TurnFinished | TurnInterrupted | TurnFailed
ReplyEvent = (
    TurnStarted
    | TextDelta
    | SentenceReady
    | PartAdded
    | AlternativeAdded
    | ToolStarted
    | ToolFinished
    | ConfirmationRequested
    | Terminal
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one sink had shown or spoken when it was stopped.

    ``None`` means the sink shows everything it is given, so nothing was held back. With
    ``sentences`` the sink spoke that many whole ones, and with ``characters`` as well, as much of
    the text as it was given.
    """

    sentences: int | None = None
    characters: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnBrief:
    """What a delivery and the context sources need to know of a turn before it starts.

    ``in_view`` are the messages its prompt shows anyway, known to context sources only. ``asker``
    asked for the turn; ``timezone`` is the IANA name of the zone that times are told in, empty for
    the machine's.
    """

    turn: TurnId
    conversation: ConversationId
    persona: PersonaId
    persona_name: str
    kind: TurnKind
    started_at: datetime
    trigger: Message | None = None
    asker: Author | None = None
    timezone: str = ""
    burst: Sequence[Message] = ()
    instruction: str | None = None
    modality: Modality = Modality.TEXT
    hop: int = 0
    alternatives: int = 0
    in_view: frozenset[MessageId] = frozenset()
    details: Mapping[str, str] = field(default_factory=dict)


class ReplySink(Protocol):
    """One place an answer goes to: a text message, a voice, a room."""

    async def emit(self, event: ReplyEvent, /) -> None:
        """Take the next event; raising silences this sink for the rest of the turn."""
        ...

    async def abort(self, reason: InterruptReason, /) -> Delivered:
        """Drop what is buffered at once and say what had reached the human."""
        ...


@runtime_checkable
class DrainingSink(ReplySink, Protocol):
    """A sink that goes on after the last event, as a voice does."""

    async def drain(self) -> None:
        """Return when all that was given has reached people; no more text will come.

        The turn ends only then, so it can still be interrupted. Cancelled when it is.
        """
        ...


class Delivery(Protocol):
    """Where answers to a message go."""

    def open(self, turn: TurnBrief, /) -> AbstractAsyncContextManager[Sequence[ReplySink]]:
        """Enter for the length of one turn; the sinks get every event, the terminal included."""
        ...
