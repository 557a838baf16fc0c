"""The network between a call and one listener, with what can go wrong on it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What befalls packets on their way; shares are of 1.

    Args:
        loss: How many never arrive.
        duplicates: How many arrive twice.
        reorder: How many arrive after the next one.
        jitter_seconds: By how much a packet may be late; those behind it wait.
        padded: How many end in padding, as Discord's servers add it.
        extended: How many begin with a header extension.
    """

    loss: float = 0.0
    duplicates: float = 0.0
    reorder: float = 0.0
    jitter_seconds: float = 0.0
    padded: float = 0.0
    extended: float = 0.0


FAIR = Weather()


class Link:
    """Sends packets through the weather; ``lost`` and the like count what happened.

    Args:
        send: Puts a packet on the wire.
        rng: The same chance gives the same weather.
    """

    def __init__(self, send: Callable[[bytes], None], rng: random.Random) -> None:
        self.weather = FAIR
        self.sent = 0
        self.lost = 0
        self.duplicated = 0
        self.reordered = 0
        self.rng = rng
        self._send = send
        self._held: bytes | None = None
        self._free_at = 0.0

    def carry(self, packet: bytes) -> None:
        """Take a packet; it arrives now, later, twice or never."""
        weather, chance = self.weather, self.rng.random
        if chance() < weather.loss:
            self.lost += 1
            return
        if self._held is None and chance() < weather.reorder:
            self._held = packet
            self.reordered += 1
            return
        copies = 1
        if chance() < weather.duplicates:
            copies = 2
            self.duplicated += 1
        for each in (*[packet] * copies, self._held):
            if each is not None:
                self._deliver(each)
        self._held = None

    def _deliver(self, packet: bytes) -> None:
        self.sent += 1
        if not self.weather.jitter_seconds:
            self._send(packet)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + self.rng.uniform(0.0, self.weather.jitter_seconds)
        self._free_at = max(self._free_at + 1e-6, due)  # timers of one moment have no order
        loop.call_at(self._free_at, self._send, packet)
