"""What other programs can do here, in the name of one person."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from services.conversation.inbound import Addressing, Inbound, Outcome
from services.domain.errors import Refused
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import Message, TextPart
from services.domain.people import Author, Role
from services.domain.replies import (
    ConfirmationRequested,
    Delivered,
    InterruptReason,
    ReplyEvent,
    ReplySink,
    TurnBrief,
    TurnFailed,
    TurnFinished,
)
from services.memory.rights.service import Requester
from services.memory.rights.statements import Statement
from services.persona.character import Persona

if TYPE_CHECKING:
    from services.factory import ServiceFactory
    from services.settings import Settings

_TURNS = 8
_FACTS = 20
_LONGEST_LINE = 500


def account_of(settings: Settings) -> Author:
    """Return whom programs act for: the account configured, else the terminal's."""
    if settings.mcp.account is not None:
        account = AuthorId.parse(settings.mcp.account)
    else:
        try:
            account = AuthorId("console", getpass.getuser())
        except (KeyError, OSError):
            account = AuthorId("console", "user")
    return Author(id=account, display_name=settings.persona.user_name or account.user)


class Offer:
    """Lists characters, talks to them, recalls and remembers; every refusal is a ``Refused``.

    Each character has one conversation with the person's programs, apart from all others.
    """

    def __init__(self, services: ServiceFactory, *, person: Author) -> None:
        self._services = services
        self._person = person

    async def characters(self) -> str:
        """Return a line for every character."""
        known = self._services.library().all()
        default = self._services.library().default()
        lines = [
            f"{one.slug}: {one.name}" + (" (answers by default)" if one.id == default.id else "")
            for one in known
        ]
        return "\n".join(lines) or "There is no character."

    async def talk(self, character: str, text: str) -> str:
        """Say something to a character and return its answer, which is stored as any other."""
        persona = self._services.library().find(character)
        place = _place(persona)
        conversations = self._services.conversations()
        if (await conversations.persona_of(place)).id != persona.id:
            await conversations.choose_persona(
                place, persona.slug, by=self._person, role=Role.OWNER
            )
        delivery = _Questions()
        message = Message(
            id=MessageId(self._services.ids().new()),
            conversation=place,
            author=self._person,
            parts=(TextPart(text=text),),
            created_at=self._services.clock().now(),
        )
        inbound = Inbound(
            message=message,
            delivery=delivery,
            addressing=Addressing(private=True),
            role=Role.MEMBER,
            witnesses=frozenset({self._person.id}),
        )
        outcome = await (await conversations.receive(inbound)).outcome()
        answers = [*await self._answers(place, outcome), *delivery.asked]
        return "\n\n".join(answers) or f"{persona.name} says nothing."

    async def recall(self, query: str) -> str:
        """Return what the default character would be reminded of by ``query``."""
        persona = self._services.library().default()
        found = await self._services.reminding().remind(
            query,
            account=self._person.id,
            persona=persona.id,
            conversation=_place(persona),
            limit=_TURNS,
        )
        lines = [
            *(f"{turn.said_at:%Y-%m-%d} {turn.speaker}: {turn.text}" for turn in found.turns),
            *(f"Known: {fact.text}" for fact in found.known.facts[:_FACTS]),
        ]
        return "\n".join(line[:_LONGEST_LINE] for line in lines) or "Nothing comes to mind."

    async def remember(self, fact: str) -> str:
        """Keep something about the person, as their own statement to the default character."""
        persona = self._services.library().default()
        await self._services.arrivals().note(self._person)
        await self._services.memory_rights().add(
            Requester(account=self._person.id),
            Statement(
                value=fact,
                name=self._person.display_name,
                persona=persona.id,
                conversation=_place(persona),
            ),
        )
        return "That is remembered."

    async def _answers(self, place: ConversationId, outcome: Outcome) -> Sequence[str]:
        """Return the stored answers as people are to see them. Raises ``Refused`` for failures."""
        if outcome.withheld is not None:
            raise Refused("mcp_withheld", f"Nobody answers: {outcome.withheld.reason}.")
        conversations = self._services.conversations()
        entries = []
        for terminal in outcome.terminals:
            if isinstance(terminal, TurnFailed):
                raise Refused(terminal.code, terminal.user_message)
            if not isinstance(terminal, TurnFinished):
                raise Refused("mcp_interrupted", "The answer was stopped before it was complete.")
            entries.append(await conversations.entry(place, terminal.reply.message))
        return await conversations.shown(entries, viewer=self._person)


def _place(persona: Persona) -> ConversationId:
    return ConversationId("mcp", "local", persona.slug)


class _Questions:
    """Shows an answer to nobody, and notes what a tool wants confirmed."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @asynccontextmanager
    async def open(self, _turn: TurnBrief, /) -> AsyncIterator[Sequence[ReplySink]]:
        """Give the one sink there is; the answer is read once it is stored."""
        yield (self,)

    async def emit(self, event: ReplyEvent, /) -> None:
        """Note a question."""
        if isinstance(event, ConfirmationRequested):
            self.asked.append(
                f"[{event.tool} waits for a yes: {event.question} "
                f"Allow it in acore's terminal with /confirm {event.action}.]"
            )

    async def abort(self, _reason: InterruptReason, /) -> Delivered:
        """Everything that was given was taken."""
        return Delivered()
