"""What to do after a voice connection ended: how to get the next one, when, and whether at all.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

GIVE_UP_SECONDS: Final = 180.0

_STABLE_SECONDS: Final = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 15.0
_MOST_RESUMES: Final = 2

_REFUSED: Final = frozenset({4012, 4016, 4017})
"""Unknown protocol, unknown way of sealing, end-to-end encryption required."""
_DISMISSED: Final = frozenset({1000, 4014, 4022})
"""Another server, another channel, or the end; the main gateway says which."""
_SESSION_LOST: Final = frozenset({4003, 4004, 4005, 4006, 4009, 4011, 4021})


class Ending(StrEnum):
    """Why a connection is over."""

    LEFT = "left"
    REMOVED = "removed"
    GONE = "gone"
    REFUSED = "refused"
    GAVE_UP = "gave_up"


class Way(Enum):
    """How to get to a voice server."""

    JOIN = "ask the main gateway where the call is, then as IDENTIFY"
    IDENTIFY = "begin a session where the main gateway said the call is"
    RESUME = "go on with the session there is"
    AWAIT = "wait for what the main gateway says, then as IDENTIFY or JOIN"
    NONE = "no try helps"


def way_after(close_code: int, *, established: bool) -> Way:
    """Return how to go on after a voice server closed a connection.

    Args:
        close_code: -1 where there was none.
        established: Whether there was a session to go on with.
    """
    if close_code in _REFUSED:
        return Way.NONE
    if close_code in _DISMISSED:
        return Way.AWAIT
    if close_code in _SESSION_LOST or not established:
        return Way.JOIN
    return Way.RESUME


class Persistence:
    """Counts tries: after each that led nowhere the next comes later, and in the end none.

    Args:
        now: The moment of the first try, in seconds.
    """

    def __init__(self, now: float) -> None:
        self._failures = 0
        self._resumes = 0
        self._connected_until = now

    def note(self, way: Way, *, began: float, established: float | None, ended: float) -> None:
        """Take how a try went; a connection that held for ten seconds makes up for all before."""
        if established is not None:
            self._connected_until = ended
        if established is not None and ended - began > _STABLE_SECONDS:
            self._failures = self._resumes = 0
        else:
            self._failures += 1
            self._resumes = self._resumes + 1 if way is Way.RESUME else 0

    def tempered(self, way: Way) -> Way:
        """Return a way that is not the same in vain again and again."""
        return Way.JOIN if way is Way.RESUME and self._resumes >= _MOST_RESUMES else way

    @property
    def pause(self) -> float:
        """Seconds until the next try: none for the first two."""
        if self._failures < 2:
            return 0.0
        return float(min(_FIRST_PAUSE * 2 ** (self._failures - 2), _LONGEST_PAUSE))

    def is_over(self, now: float) -> bool:
        """Say whether three minutes passed without a connection."""
        return now - self._connected_until > GIVE_UP_SECONDS
