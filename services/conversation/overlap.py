"""What becomes of a message that arrives while others are being answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.domain.ids import AuthorId
from services.domain.messages import Message, Modality
from services.domain.people import AuthorKind
from services.settings import ConversationSettings


class Overlap(StrEnum):
    """What to do with the message.

    START: answer it now. QUEUE: answer it after what waits. MERGE: add it to the last waiting
    job. SUPERSEDE: drop the running turn and answer its messages and this one together.
    BARGE_IN: stop the running turn, keep what was heard, answer this one.
    """

    START = "start"
    QUEUE = "queue"
    MERGE = "merge"
    SUPERSEDE = "supersede"
    BARGE_IN = "barge_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTurn:
    """The turn in progress.

    ``author`` wrote the (last) message it answers, ``None`` for an initiative. ``started_at`` is
    on the monotonic clock. ``anything_shown``: a person has seen or heard some of it.
    """

    author: AuthorId | None
    modality: Modality
    started_at: float
    anything_shown: bool = False
    is_initiative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job that has not started; ``last_author`` wrote its last message."""

    last_author: AuthorId | None
    is_initiative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapDecision:
    """What to do, and a stable code that says why."""

    overlap: Overlap
    reason: str


def decide(
    state: RunningTurn | None,
    pending: Sequence[Waiting],
    message: Message,
    *,
    settings: ConversationSettings,
    now: float,
) -> OverlapDecision:
    """Decide by the first rule that fits; ``now`` is on the monotonic clock.

    ``pending`` lists the waiting jobs in the order they will run. Only people interrupt; what
    machines say waits its turn.
    """
    if state is None and not pending:
        return OverlapDecision(overlap=Overlap.START, reason="idle")
    human = message.author.kind is AuthorKind.HUMAN
    if state is not None and human:
        interruption = _interruption(state, pending, message, settings=settings, now=now)
        if interruption is not None:
            return interruption
    if human and pending and _continues(pending[-1], message.author.id):
        return OverlapDecision(overlap=Overlap.MERGE, reason="burst")
    return OverlapDecision(overlap=Overlap.QUEUE, reason="busy")


def _interruption(
    state: RunningTurn,
    pending: Sequence[Waiting],
    message: Message,
    *,
    settings: ConversationSettings,
    now: float,
) -> OverlapDecision | None:
    if state.anything_shown:
        if message.modality is Modality.VOICE and state.modality is Modality.VOICE:
            return OverlapDecision(overlap=Overlap.BARGE_IN, reason="talked_over")
        return None
    if state.is_initiative:
        return OverlapDecision(overlap=Overlap.SUPERSEDE, reason="initiative_gives_way")
    author = message.author.id
    overtakes = any(waiting.last_author == author for waiting in pending)
    recent = now - state.started_at <= settings.supersede_seconds
    if state.author == author and recent and not overtakes:
        return OverlapDecision(overlap=Overlap.SUPERSEDE, reason="same_author_goes_on")
    return None


def _continues(waiting: Waiting, author: AuthorId) -> bool:
    return not waiting.is_initiative and waiting.last_author == author
