"""What frontends hand to the conversation core and what they get back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.conversation.limits import Reservation
from services.domain.ids import AuthorId, ConversationId, PersonaId
from services.domain.messages import Message
from services.domain.people import Role
from services.domain.replies import Delivery, Terminal
from services.persona.activity import Activity


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """What a platform knows about whom a message is meant for.

    ``mentions`` and ``replies_to`` name personas; ``private`` is a place with one human, where
    everything said is meant for the personas there. ``activity`` is what the author is doing.
    ``heard`` is what people know to be listened to whether or not the place is, as in a call; who
    hears it knows whom it is meant for, so what is not ``private`` is only overheard.
    """

    mentions: frozenset[PersonaId] = frozenset()
    replies_to: PersonaId | None = None
    private: bool = False
    activity: Activity | None = None
    heard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A message, where the answer goes, and what the platform knows of the asker.

    ``adults`` says that the place is for adults, so that characters for adults may answer there.
    ``certain`` is set once it is sure that the message is all there, as somebody who speaks may go
    on: the answer is begun before, but runs no tool.
    """

    message: Message
    delivery: Delivery
    addressing: Addressing = field(default_factory=Addressing)
    role: Role = Role.MEMBER
    witnesses: frozenset[AuthorId | PersonaId] = frozenset()
    adults: bool = True
    certain: asyncio.Event | None = None


TriggerKind = Literal[
    "mention", "reply", "private", "name", "keyword", "contextual", "ambient", "initiative"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """The gate lets a message through; ``reservation`` holds its place in the limits.

    ``personas`` are those the message is addressed to; empty leaves the choice to the router.
    Whoever takes the decision confirms the reservation when something was sent and releases it
    otherwise.
    """

    trigger: TriggerKind
    personas: Sequence[PersonaId]
    reason: str
    reservation: Reservation | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """The gate lets nobody answer; ``reason`` is a stable code such as ``no_trigger``.

    ``notify`` is set on a refusal that the asker may be told of: the first in a window.
    """

    reason: str
    detail: str = ""
    retry_after: float | None = None
    notify: bool = False


Decision = Fired | Withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a message: ``withheld`` is set when nobody answered by decision."""

    terminals: Sequence[Terminal] = ()
    withheld: Withheld | None = None
    merged: bool = False


class Receipt:
    """A promise about a message that was taken in."""

    def __init__(self, conversation: ConversationId) -> None:
        self.conversation = conversation
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def settle(self, outcome: Outcome) -> None:
        """Fulfil the promise; the first call counts."""
        if not self._outcome.done():
            self._outcome.set_result(outcome)

    def fail(self, error: Exception) -> None:
        """Break the promise: ``outcome`` raises ``error``; the first call counts."""
        if not self._outcome.done():
            self._outcome.set_exception(error)
            self._outcome.exception()

    def then(self, work: Callable[[Outcome | BaseException], None]) -> None:
        """Call ``work`` with the outcome, or why there is none, soon after that is known."""

        def pass_on(promise: asyncio.Future[Outcome]) -> None:
            error = promise.exception()
            work(promise.result() if error is None else error)

        self._outcome.add_done_callback(pass_on)

    async def outcome(self) -> Outcome:
        """Wait until every turn the message caused has ended, or none will start."""
        return await asyncio.shield(self._outcome)
