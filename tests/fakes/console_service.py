"""Services as the console sees them, scripted and in memory."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.conversation.inbound import Inbound, Outcome, Receipt, Withheld
from services.domain.errors import AcoreError, InvalidRequest, NotFound
from services.domain.ids import (
    ActionId,
    AuthorId,
    ConversationId,
    MessageId,
    PersonaId,
    TurnId,
    UlidSource,
)
from services.domain.messages import Alternatives, HistoryEntry, Message, TextPart
from services.domain.people import Author, AuthorKind, Role
from services.domain.replies import (
    Delivery,
    Reply,
    ReplyEvent,
    ReplySink,
    TextDelta,
    TurnBrief,
    TurnFailed,
    TurnFinished,
    TurnInterrupted,
    TurnKind,
    TurnStarted,
    Usage,
)
from services.events.local import LocalEventBus
from services.persona.character import Character, Persona
from tests.fakes.clock import ManualClock

HERE = ConversationId("console", "local", "main")
TURN = TurnId("01TURN")
LONGEST = 1000


def persona(name: str) -> Persona:
    return Persona(
        id=PersonaId(name.lower()),
        slug=name.lower(),
        version="1",
        character=Character(name=name, first_mes=f"I am {name}."),
    )


def entry(text: str, *, ordinal: int = 1, by: str = "Mira") -> HistoryEntry:
    author = Author(id=AuthorId("persona", by.lower()), display_name=by, kind=AuthorKind.PERSONA)
    return HistoryEntry(
        message=Message(
            id=MessageId(f"01MESSAGE{ordinal}"),
            conversation=HERE,
            author=author,
            parts=(TextPart(text=text),),
            created_at=ManualClock().now(),
        ),
        ordinal=ordinal,
        parent=None,
    )


def brief() -> TurnBrief:
    return TurnBrief(
        turn=TURN,
        conversation=HERE,
        persona=PersonaId("mira"),
        persona_name="Mira",
        kind=TurnKind.REPLY,
        started_at=ManualClock().now(),
    )


def started() -> TurnStarted:
    return TurnStarted(turn=TURN, conversation=HERE, persona=PersonaId("mira"), persona_name="Mira")


def finished(text: str) -> TurnFinished:
    reply = Reply(message=MessageId("01REPLY"), persona=PersonaId("mira"), text=text, ordinal=2)
    return TurnFinished(turn=TURN, reply=reply, usage=Usage())


def answer(text: str) -> list[ReplyEvent]:
    return [started(), TextDelta(text=text), finished(text)]


@dataclass
class Explained:
    def lines(self) -> list[str]:
        return ["because"]

    def as_json(self) -> dict[str, object]:
        return {"trigger": "private"}


@dataclass
class ScriptedConversations:
    """Answers every message with the next script; the last one repeats.

    A script is events to show, a ``Withheld``, or an error to raise. ``calls`` names what was asked
    for beside messages, which are in ``heard``.
    """

    scripts: list[Sequence[ReplyEvent] | Withheld | AcoreError] = field(
        default_factory=lambda: [answer("Hello.")]
    )
    history: list[HistoryEntry] = field(default_factory=list)
    heard: list[Inbound] = field(default_factory=list)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    personas: list[Persona] = field(default_factory=lambda: [persona("Mira"), persona("Juno")])

    async def receive(self, inbound: Inbound) -> Receipt:
        if len(inbound.message.text) > LONGEST:
            raise InvalidRequest("message_too_long", "That is too long.")
        self.heard.append(inbound)
        return await self._answer(inbound.delivery)

    async def regenerate(
        self, conversation: ConversationId, delivery: Delivery, *, by: Author, role: Role
    ) -> Receipt:
        self.calls.append(("regenerate",))
        return await self._answer(delivery)

    async def continue_reply(
        self, conversation: ConversationId, delivery: Delivery, *, by: Author, role: Role
    ) -> Receipt:
        self.calls.append(("continue",))
        return await self._answer(delivery)

    async def swipe(
        self, conversation: ConversationId, step: int, delivery: Delivery, *, by: Author, role: Role
    ) -> Alternatives | Receipt:
        self.calls.append(("swipe", step))
        if step > 0:
            return await self._answer(delivery)
        return Alternatives(entries=[entry("First."), entry("Second.")], active=0)

    async def edit(
        self,
        conversation: ConversationId,
        text: str,
        *,
        by: Author,
        message: MessageId | None = None,
    ) -> HistoryEntry:
        self.calls.append(("edit", text))
        return entry(text)

    async def undo(self, conversation: ConversationId, *, by: Author) -> Sequence[HistoryEntry]:
        self.calls.append(("undo",))
        return [entry("Gone.")]

    async def branch(self, conversation: ConversationId, at: int, *, by: Author) -> HistoryEntry:
        self.calls.append(("branch", at))
        return entry("Here.", ordinal=at)

    async def reset(self, conversation: ConversationId, *, by: Author) -> None:
        self.calls.append(("reset",))

    async def why(
        self, conversation: ConversationId, turn: TurnId | None = None
    ) -> Explained | None:
        return Explained() if self.heard else None

    async def greet(
        self, conversation: ConversationId, persona: Persona, *, author: Author
    ) -> HistoryEntry | None:
        return None if self.history else entry(persona.character.first_mes, by=persona.name)

    async def recent(self, conversation: ConversationId, limit: int) -> Sequence[HistoryEntry]:
        return self.history[-limit:]

    async def shown(
        self, entries: Sequence[HistoryEntry], *, viewer: Author, newer: int = 0
    ) -> list[str]:
        return [each.text for each in entries]

    def dressed(self, turn: TurnBrief, sink: ReplySink, *, viewer: Author) -> ReplySink:
        return sink

    async def decide(
        self, action: ActionId, *, approve: bool, by: Author, role: Role, delivery: Delivery
    ) -> Receipt:
        self.calls.append(("decide", action, approve))
        return await self._answer(delivery)

    async def persona_of(self, conversation: ConversationId) -> Persona:
        return self.personas[0]

    async def choose_persona(
        self, conversation: ConversationId, name: str, *, by: Author, role: Role
    ) -> Persona:
        for known in self.personas:
            if known.slug == name.lower():
                self.personas.remove(known)
                self.personas.insert(0, known)
                return known
        raise NotFound("persona_unknown", f"There is no character called {name}.")

    async def model_of(self, conversation: ConversationId) -> str | None:
        return None

    async def choose_model(
        self, conversation: ConversationId, name: str | None, *, by: Author, role: Role
    ) -> None:
        self.calls.append(("model", name))

    async def _answer(self, delivery: Delivery) -> Receipt:
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if isinstance(script, AcoreError):
            raise script
        receipt = Receipt(HERE)
        if isinstance(script, Withheld):
            receipt.settle(Outcome(withheld=script))
            return receipt
        async with delivery.open(brief()) as sinks:
            for event in script:
                for sink in sinks:
                    try:
                        await sink.emit(event)
                    except OSError:
                        continue
        terminals = [
            event
            for event in script
            if isinstance(event, TurnFinished | TurnInterrupted | TurnFailed)
        ]
        receipt.settle(Outcome(terminals=terminals))
        return receipt


@dataclass(frozen=True)
class ScriptedListing:
    name: str
    size_bytes: int | None = None
    running: bool = False


class ScriptedModels:
    async def available(self) -> list[ScriptedListing]:
        return [ScriptedListing("small:1b"), ScriptedListing("large:70b")]

    def describe(self) -> str:
        return "The built-in model answers; set OLLAMA_HOST to use yours."


class ScriptedLibrary:
    def __init__(self, conversations: ScriptedConversations) -> None:
        self._conversations = conversations

    def all(self) -> Sequence[Persona]:
        return sorted(self._conversations.personas, key=lambda persona: persona.name)


class ScriptedServices:
    """What the factory gives, for the console."""

    def __init__(self, conversations: ScriptedConversations | None = None) -> None:
        self.talk = conversations or ScriptedConversations()
        self._bus = LocalEventBus()
        self._clock = ManualClock()
        self._ids = UlidSource(self._clock, random.Random(1))

    def conversations(self) -> ScriptedConversations:
        return self.talk

    def library(self) -> ScriptedLibrary:
        return ScriptedLibrary(self.talk)

    def models(self) -> ScriptedModels:
        return ScriptedModels()

    def bus(self) -> LocalEventBus:
        return self._bus

    def clock(self) -> ManualClock:
        return self._clock

    def ids(self) -> UlidSource:
        return self._ids
