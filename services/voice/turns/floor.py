"""Who is answered when several people speak, and when the bot may begin."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from services.domain.ids import AuthorId
from services.voice.listening.events import TurnDecided

WAITING_SECONDS = 20.0
"""How old an unanswered turn may get before it is given up."""

_MOST_MISSED = 20
_MOST_WAITING = 4
_MOST_SPEAKING = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A turn to answer now, and those that have waited for an answer in vain."""

    turn: TurnDecided
    missed: tuple[TurnDecided, ...] = ()


class Floor:
    """One answer at a time.

    The first to finish a turn addressed to the bot is answered; turns addressed to it meanwhile
    wait, four of them and 20 s at most, and are then only told of.
    """

    def __init__(self) -> None:
        self._missed: deque[TurnDecided] = deque(maxlen=_MOST_MISSED)
        self._waiting: deque[TurnDecided] = deque()
        self._speaking: dict[AuthorId, float] = {}
        self._quiet_since = 0.0
        self._taken = False
        self._answering: int | None = None

    @property
    def taken(self) -> bool:
        """Whether the bot thinks about, or speaks, an answer."""
        return self._taken

    def started(self, speaker: AuthorId, /, *, at: float) -> None:
        """Somebody began to speak or went on."""
        if len(self._speaking) < _MOST_SPEAKING:
            self._speaking.setdefault(speaker, at)

    def ended(self, speaker: AuthorId, /, *, at: float) -> None:
        """Somebody fell silent or left."""
        if self._speaking.pop(speaker, None) is not None and not self._speaking:
            self._quiet_since = at

    def clear(self, at: float, /, *, quiet: float = 0.0) -> bool:
        """Say whether the bot may begin: nobody has spoken for ``quiet`` seconds.

        An answer that is ready needs no quiet; what the bot says of itself needs some, and a
        floor that is not ``taken``.
        """
        return not self._speaking and at - self._quiet_since >= quiet

    def take(self) -> bool:
        """Take the floor for something said unasked; ``False`` when it is taken."""
        if self._taken:
            return False
        self._taken, self._answering = True, None
        return True

    def reserve(self, turn: int, /) -> bool:
        """Take the floor for the turn of that number before it is decided; ``False`` when taken."""
        if self._taken:
            return False
        self._taken, self._answering = True, turn
        return True

    def offer(self, turn: TurnDecided, /) -> Grant | None:
        """Hand in a decided turn addressed to the bot; the grant when it is to be answered now.

        One that continues the turn being answered takes its place; one that the floor was reserved
        for has it.
        """
        if turn.continues is not None:
            self._forget(turn.continues)
        if self._taken and self._answering in (turn.turn, turn.continues or turn.turn):
            return self._grant(turn)
        if self._taken:
            self._waiting.append(turn)
            if len(self._waiting) > _MOST_WAITING:
                self._missed.append(self._waiting.popleft())
            return None
        return self._grant(turn)

    def vacate(self) -> None:
        """Take the floor from the answer that has it, before the next turn is offered."""
        self._taken, self._answering = False, None

    def release(self, *, at: float) -> Grant | None:
        """End the answer, spoken or stopped; the grant of a turn that waited."""
        self._taken = False
        while self._waiting:
            turn = self._waiting.popleft()
            if at - turn.at <= WAITING_SECONDS:
                return self._grant(turn)
            self._missed.append(turn)
        return None

    def _forget(self, number: int) -> None:
        for turns in (self._waiting, self._missed):
            for turn in [each for each in turns if each.turn == number]:
                turns.remove(turn)

    def _grant(self, turn: TurnDecided) -> Grant:
        self._taken = True
        self._answering = turn.turn
        missed = tuple(self._missed)
        self._missed.clear()
        return Grant(turn=turn, missed=missed)
