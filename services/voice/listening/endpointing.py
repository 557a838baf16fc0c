"""When a silence has lasted long enough for the turn to be over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.voice.listening.completeness import Completeness
from services.voice.listening.samples import Samples

COMPLETION_SECONDS = 8.0
"""How much of a turn a ``TurnCompletion`` looks at."""


class TurnCompletion(Protocol):
    """Judges by the sound of a turn whether its speaker is done."""

    async def probability(self, samples: Samples, /) -> float:
        """Return how probably the turn is over, from its last 8 s at 16 kHz, silence included.

        Raises ``ProviderError``. Cancelled, it lets the result go.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds of silence that end a turn, and the probabilities that decide among them.

    Finished words wait ``complete`` with a sound that is ``certain`` to be over, ``brief`` with
    one that is ``likely`` to be, ``agreed`` with one that does not contradict them, and ``unsure``
    with one that does (below ``unlikely``) or without one. Open words wait ``brief`` and ``open``.
    Everything else waits ``incomplete``, or a speaker's usual pause times ``margin`` between
    ``shortest_incomplete`` and that, or ``after_question``.
    """

    complete: float = 0.2
    brief: float = 0.3
    agreed: float = 0.4
    open: float = 0.5
    unsure: float = 0.6
    incomplete: float = 1.2
    shortest_incomplete: float = 0.8
    after_question: float = 2.0
    margin: float = 1.5
    unlikely: float = 0.05
    likely: float = 0.5
    certain: float = 0.9


class Ending(StrEnum):
    """Why a turn was taken as over: sound and words together say so, or the silence alone."""

    COMPLETE = "complete"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known in a pause; ``probability`` is ``None`` while or where nothing judges sound."""

    probability: float | None
    words: Completeness
    after_question: bool = False
    usual_pause: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The silence that ends the turn, in seconds, and what its end is then called."""

    seconds: float
    ending: Ending


def wait_for(evidence: Evidence, /, *, patience: Patience) -> Wait:
    """Return how much silence ends the turn.

    Words that ask for more outweigh the sound, since the sound alone calls "… is that" finished;
    finished words shorten the wait where the sound rather says that more is to come, since it is
    often wrong about voices it does not know. A model of speech and an answer take longer than
    ``agreed``, so that being sure earlier would make nothing sound sooner.
    """
    sound = evidence.probability
    if evidence.words is Completeness.UNFINISHED:
        return _timeout(evidence, patience)
    finished = evidence.words is Completeness.FINISHED
    if sound is not None and sound >= patience.certain:
        return _complete(patience.complete if finished else patience.brief)
    if sound is not None and sound >= patience.likely:
        return _complete(patience.brief if finished else patience.open)
    if not finished or evidence.after_question:
        return _timeout(evidence, patience)
    if sound is not None and sound >= patience.unlikely:
        return _complete(patience.agreed)
    return Wait(seconds=patience.unsure, ending=Ending.TIMEOUT)


def _complete(seconds: float) -> Wait:
    return Wait(seconds=seconds, ending=Ending.COMPLETE)


def _timeout(evidence: Evidence, patience: Patience) -> Wait:
    seconds = patience.incomplete
    if evidence.after_question:
        seconds = patience.after_question
    elif evidence.usual_pause is not None:
        usual = evidence.usual_pause * patience.margin
        seconds = min(max(usual, patience.shortest_incomplete), patience.incomplete)
    return Wait(seconds=seconds, ending=Ending.TIMEOUT)
