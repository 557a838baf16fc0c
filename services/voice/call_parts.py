"""What a call is made of, and how that is put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.domain.clock import Clock
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.domain.replies import TurnBrief
from services.voice.answering import Answering
from services.voice.call_events import CallEvent
from services.voice.exchanges import Exchanges
from services.voice.interrupting import Interruptions
from services.voice.listening.listener import Listener
from services.voice.mouth import Mouth, Speaker
from services.voice.troubles import Troubles
from services.voice.turn_taking import TurnTaking
from services.voice.turns.attending import Attention
from services.voice.turns.floor import Floor
from services.voice.turns.policy import InterruptionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class CallParts:
    """What a call is made of.

    ``names`` are those the bot goes by just now; ``aside`` has a text said as soon as may be.
    """

    listener: Listener
    policy: InterruptionPolicy
    floor: Floor
    attention: Attention
    mouth: Mouth
    exchanges: Exchanges
    clock: Clock
    names: Callable[[], Sequence[str]]
    speaker_of: Callable[[TurnBrief], Awaitable[Speaker]]
    narrator: Callable[[], Awaitable[Speaker]]
    on_event: Callable[[CallEvent], None]
    aside: Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDesk:
    """Who does what in a call, over its parts."""

    parts: CallParts
    troubles: Troubles
    interruptions: Interruptions
    turns: TurnTaking
    answering: Answering


def call_desk(parts: CallParts, /, *, person_of: Callable[[AuthorId], Author | None]) -> CallDesk:
    """Put a call together; ``person_of`` knows whoever spoke lately."""
    troubles = Troubles(clock=parts.clock, on_event=parts.on_event)
    interruptions = Interruptions(
        policy=parts.policy,
        mouth=parts.mouth,
        exchanges=parts.exchanges,
        clock=parts.clock,
        person_of=person_of,
        on_event=parts.on_event,
    )
    turns = TurnTaking(
        listener=parts.listener,
        attention=parts.attention,
        exchanges=parts.exchanges,
        mouth=parts.mouth,
        interruptions=interruptions,
        troubles=troubles,
        complain=parts.aside,
    )
    answering = Answering(
        mouth=parts.mouth,
        exchanges=parts.exchanges,
        floor=parts.floor,
        clock=parts.clock,
        speaker_of=parts.speaker_of,
        narrator=parts.narrator,
    )
    return CallDesk(
        parts=parts,
        troubles=troubles,
        interruptions=interruptions,
        turns=turns,
        answering=answering,
    )
