"""What is under way in a group: proposals without a commit, and transitions not yet executed."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.discord_standin.voice.mls import Proposal


@dataclass(slots=True, kw_only=True)
class Batch:
    """Proposals that wait for a commit; to found a group, everybody is proposed the others."""

    founding: bool
    offered: dict[int, list[Proposal]]
    added: dict[bytes, int] = field(default_factory=dict)
    removed: dict[bytes, int] = field(default_factory=dict)


@dataclass(slots=True)
class Transition:
    """A change that takes effect once everybody is ready for it."""

    id: int
    version: int
    waiting: set[int]
