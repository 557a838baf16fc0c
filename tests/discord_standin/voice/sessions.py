"""A client's session with a voice server: it outlives its connections, so it can be resumed."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.discord_standin.payloads.view import Json
from tests.discord_standin.voice.links import Link
from tests.discord_standin.voice.opcodes import UNNUMBERED, Op
from tests.discord_standin.voice.rtp import Header, NotRtp, Packet, opened, padding
from tests.discord_standin.voice.sealing import NonceReused, Sealing, Unreadable

_KEPT: Final = 1_000
_MOST_PADDING: Final = 24
_MOST_UNANNOUNCED: Final = 10
"""A few packets may outrun the op 5 sent before them."""
_EXTENSION: Final = bytes.fromhex("1005200110ff0000")
"""Audio level and the like, two words of it."""

Address = tuple[str, int]


class VoiceSession:
    """One client of a voice server; ``link`` is its way down, ``sealing`` its current key.

    ``problems`` are breaches of protocol; ``opened_packets``, ``unannounced`` (before op 5),
    ``keepalives`` and ``unreadable`` count what came up, ``unreachable`` what could not go down.
    """

    is_bot = True

    def __init__(
        self,
        *,
        user_id: int,
        session_id: str,
        token: str,
        ssrc: int,
        transmit: Callable[[bytes, Address], None],
        rng: random.Random,
        mapping_seconds: float | None = None,
    ) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.token = token
        self.ssrc = ssrc
        self.address: Address | None = None
        self.sealing: Sealing | None = None
        self.has_announced_itself = False
        self.problems: list[str] = []
        self.opened_packets = 0
        self.unannounced = 0
        self.keepalives = 0
        self.unreadable = 0
        self.unreachable = 0
        self.link = Link(self.transmit, rng)
        self.outbox: deque[str | bytes] = deque()
        self.news = asyncio.Event()
        self.taken: deque[tuple[Op, Json | bytes]] = deque(maxlen=_KEPT)
        self._numbered: deque[tuple[int, str | bytes]] = deque(maxlen=_KEPT)
        self._sequence = 0
        self._send = transmit
        self._rng = rng
        self._mapping_seconds = mapping_seconds
        self._seen_at = 0.0

    def told(self, op: Op, data: Json) -> None:
        frame: Json = {"op": int(op), "d": data}
        if op not in UNNUMBERED:
            frame["seq"] = self._next_sequence()
        self._queue(json.dumps(frame, separators=(",", ":")), frame.get("seq"))

    def told_bytes(self, op: Op, payload: bytes) -> None:
        sequence = self._next_sequence()
        self._queue(sequence.to_bytes(2) + bytes([op]) + payload, sequence)

    def replay(self, sequence: int) -> bool:
        """Put all after ``sequence`` into the outbox again; say whether nothing is missing."""
        oldest = self._numbered[0][0] if self._numbered else self._sequence + 1
        if not oldest - 1 <= max(sequence, 0) <= self._sequence:
            return False
        self.outbox.clear()
        self.outbox.extend(frame for number, frame in self._numbered if number > sequence)
        self.news.set()
        return True

    def hears(self, sender: int, packet: Packet) -> None:
        """Seal a packet for the client, padded and extended as its weather has it."""
        if self.sealing is None or self.address is None:
            return
        weather, chance = self.link.weather, self._rng.random
        extension = _EXTENSION if chance() < weather.extended else packet.extension
        size = self._rng.randint(1, _MOST_PADDING) if chance() < weather.padded else 0
        header = replace(
            packet.header,
            extension_words=len(extension) // 4 if extension else None,
            padded=size > 0,
        )
        plain = extension + packet.frame + padding(size)
        self.link.carry(self.sealing.seal(header.pack(), plain))

    def open(self, packet: bytes, at_us: int) -> Packet | None:
        """Return what the client sent, or None where it is to be dropped."""
        if self.sealing is None:
            return None
        try:
            header, size = Header.parse(packet)
            plain, nonce = self.sealing.open(packet, size)
            found = opened(header, plain, at_us=at_us, nonce=nonce)
        except (NotRtp, Unreadable):
            self.unreadable += 1
            return None
        except NonceReused as error:
            self.problems.append(f"{self.user_id}: {error}")
            return None
        if header.ssrc != self.ssrc:
            self.problems.append(f"{self.user_id} sent with another's ssrc {header.ssrc}")
            return None
        if not self.has_announced_itself:
            self.unannounced += 1
            if self.unannounced == _MOST_UNANNOUNCED:
                self.problems.append(f"{self.user_id} sends sound without op 5")
        self.opened_packets += 1
        return found

    def is_at(self, address: Address) -> None:
        """Note whence the client's datagrams come, which keeps the way back open."""
        self.address = address
        self._seen_at = time.monotonic()

    def transmit(self, packet: bytes) -> None:
        """Send a datagram past all weather; it is lost where the way back has closed."""
        if self.address is None:
            return
        age = time.monotonic() - self._seen_at
        if self._mapping_seconds is not None and age > self._mapping_seconds:
            self.unreachable += 1
            return
        self._send(packet, self.address)

    def _next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) % (1 << 16)
        return self._sequence

    def _queue(self, frame: str | bytes, sequence: int | None) -> None:
        if sequence is not None:
            self._numbered.append((sequence, frame))
        self.outbox.append(frame)
        self.news.set()
