"""Faults as data: what goes wrong, where, and how often."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeVar


class Cut(Enum):
    """When the connection of a request is cut."""

    BEFORE = "before it takes effect"
    AFTER = "after it took effect, without an answer"


@dataclass(slots=True, kw_only=True)
class RestFault:
    """Strikes requests whose method and path (below ``/api/v10``) match."""

    path: str = ""
    method: str = ""
    status: int | None = None
    cut: Cut | None = None
    delay: float = 0.0
    times: int = 1

    def strikes(self, method: str, path: str) -> bool:
        return self.method in ("", method) and re.search(self.path, path) is not None


@dataclass(slots=True, kw_only=True)
class EventFault:
    """Strikes gateway events of a name, or of any."""

    event: str = ""
    drop: bool = False
    duplicate: bool = False
    delay: float = 0.0
    times: int = 1

    def strikes(self, event: str) -> bool:
        return self.event in ("", event)


class _Counted(Protocol):
    times: int


_F = TypeVar("_F", bound=_Counted)


@dataclass(slots=True, kw_only=True)
class Faults:
    """The faults still to come; each is used up after ``times`` strikes."""

    rest: list[RestFault] = field(default_factory=list)
    events: list[EventFault] = field(default_factory=list)
    refused_connections: int = 0
    refused_resumes: int = 0
    mute_acks: bool = False

    def take_rest(self, method: str, path: str) -> RestFault | None:
        """Return the first fault that strikes this request."""
        return _take(self.rest, next((f for f in self.rest if f.strikes(method, path)), None))

    def take_event(self, event: str) -> EventFault | None:
        """Return the first fault that strikes this event."""
        return _take(self.events, next((f for f in self.events if f.strikes(event)), None))

    def take_refused_connection(self) -> bool:
        """Say whether the next gateway connection is turned away."""
        self.refused_connections -= 1
        refused = self.refused_connections >= 0
        self.refused_connections = max(0, self.refused_connections)
        return refused

    def take_refused_resume(self) -> bool:
        """Say whether the next RESUME finds its session gone."""
        self.refused_resumes -= 1
        refused = self.refused_resumes >= 0
        self.refused_resumes = max(0, self.refused_resumes)
        return refused


def _take(faults: list[_F], found: _F | None) -> _F | None:
    if found is not None:
        found.times -= 1
        if found.times <= 0:
            faults.remove(found)
    return found
