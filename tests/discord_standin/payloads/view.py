"""Who is looking: payloads differ by viewer in reactions and in what their threads show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from tests.discord_standin.world import World

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """The world as one user sees it; ``cdn`` is the address files are served under."""

    world: World
    cdn: str
    viewer_id: int


def stamp(moment: datetime) -> str:
    """Return a moment as Discord writes it."""
    return moment.isoformat(timespec="microseconds")


def optional_stamp(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def optional_id(snowflake: int | None) -> str | None:
    return None if snowflake is None else str(snowflake)
