"""A bot's session on the gateway: it outlives its connections so that it can be resumed."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.discord_standin.entities import Bot
from tests.discord_standin.intents import Intent, asked_for, veil
from tests.discord_standin.payloads.view import Json


@dataclass(frozen=True, slots=True)
class Event:
    """One dispatched event, numbered within its session."""

    sequence: int
    name: str
    text: str


@dataclass(slots=True, kw_only=True)
class Session:
    """What one client is told; ``log`` keeps the youngest events for a replay."""

    id: str
    bot: Bot
    intents: int
    shard: tuple[int, int]
    log: deque[Event]
    large_threshold: int = 50
    presence: Json = field(default_factory=dict)
    sequence: int = 0
    connected: bool = True
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hears(self, event: str, guild_id: int | None) -> bool:
        """Say whether its intents and its shard let it hear of this."""
        shard = 0 if guild_id is None else (guild_id >> 22) % self.shard[1]
        return shard == self.shard[0] and asked_for(
            self.intents, event, in_guild=guild_id is not None
        )

    def tell(self, name: str, data: Json) -> None:
        """Put an event at the end of the log."""
        if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and not (
            self.intents & Intent.MESSAGE_CONTENT
        ):
            data = veil(data, self.bot.user.id)
        self.sequence += 1
        frame = {"op": 0, "t": name, "s": self.sequence, "d": data}
        self.log.append(Event(self.sequence, name, json.dumps(frame, separators=(",", ":"))))
        self.news.set()

    def has_all_since(self, sequence: int) -> bool:
        """Say whether no event after ``sequence`` has fallen out of the log."""
        oldest = self.log[0].sequence if self.log else self.sequence + 1
        return oldest - 1 <= sequence <= self.sequence

    def since(self, sequence: int) -> Iterator[Event]:
        """Yield the kept events after ``sequence``, oldest first."""
        oldest = self.log[0].sequence if self.log else self.sequence + 1
        start = max(0, sequence + 1 - oldest)
        yield from [self.log[index] for index in range(start, len(self.log))]
