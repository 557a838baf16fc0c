"""One exchange in a call: what somebody said that has the floor, and its answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from services.conversation.inbound import Outcome
from services.domain.ids import MessageId
from services.domain.people import Author
from services.voice.certain_sinks import Attempt


@dataclass(slots=True, eq=False)
class Exchange:
    """What somebody said that has the floor, and its answer.

    ``turns`` are the numbers of the turns it is made of. ``agreed`` is its text as it was last
    decided, ``None`` while it is only presumed that its speaker has finished; an ``outcome`` until
    then is waiting to be told. ``text`` is what the answer is to, once as many corrections as
    ``correcting`` says are made; ``continued`` says that its speaker goes on.
    """

    speaker: Author
    message: MessageId
    external_id: str
    text: str
    turns: set[int]
    agreed: str | None = None
    certain: asyncio.Event = field(default_factory=asyncio.Event)
    attempt: Attempt = field(init=False)
    outcome: Outcome | BaseException | None = None
    correcting: int = 0
    continued: bool = False
    over: bool = False

    def __post_init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Let what is answered from now on be another attempt."""
        self.attempt = Attempt(self.certain)

    @property
    def unsure(self) -> bool:
        """Whether an answer may still turn out to be to something else."""
        return self.agreed is None or self.correcting > 0 or self.continued


class ExchangeWatcher(Protocol):
    """Whoever lets answers sound; called on the loop, must be quick."""

    def outcome(self, failure: str | None, /) -> None:
        """An answer failed, with one sentence for people, or was given (``None``)."""
        ...

    def unsure(self, unsure: bool, /) -> None:  # noqa: FBT001  it is the news
        """No answer to what people say may sound from now on, or it may again."""
        ...

    def void(self, exchange: Exchange, /) -> None:
        """The answer that is made ready now is not to what was said; it must never sound."""
        ...
