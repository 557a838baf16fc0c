"""Listens to the packets of a call: from the reader's thread, over to the event loop, as sound."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from frontends.discord.voice.jitter import Arrived
from frontends.discord.voice.packets import (
    KEY_BYTES,
    SILENCE,
    Unsealer,
    is_end_to_end,
    read_header,
)
from frontends.discord.voice.speakers import Keys, Opened, Opener, Speakers
from frontends.discord.voice.streams import Stream, StreamCounts
from services.domain.audio import AudioFrame
from services.domain.clock import Clock

MOST_FRAMES: Final = 2_000
"""Of sound that waits to be fetched; 40 s of one speaker, 1.6 s of 25. The oldest are dropped."""
MOST_HELD: Final = 100
"""Packets of one SSRC that wait for a key or for a name; two seconds."""
MOST_STRANGERS: Final = 32
"""SSRCs that are waited with at once."""
MOST_STREAMS: Final = 64
TOO_MANY_FAILURES: Final = 36
"""Packets in a row no key opens, after which new keys are asked for; what discord.js demands."""

_HELD_SECONDS: Final = 3.0
_RETRY_SECONDS: Final = 0.1
_SHORTEST_NAP: Final = 0.002


class Sealed(Keys, Protocol):
    """A connection as the receiver sees it; all of it changes while a call goes on."""

    @property
    def ssrc(self) -> int:
        """The mark of one's own packets."""
        ...

    @property
    def secret_key(self) -> list[int]:
        """What packets are sealed with on their way."""
        ...


@dataclass(slots=True)
class Counts(StreamCounts):
    """What arrived since the beginning, by what became of it.

    ``strange`` were no sound or sealed with another key, ``locked`` opened with no key,
    ``overflowed`` were sound that nobody fetched.
    """

    packets: int = 0
    strange: int = 0
    late: int = 0
    locked: int = 0
    overflowed: int = 0


class Heard(NamedTuple):
    """A piece of sound, and whose it is."""

    user_id: int
    frame: AudioFrame


@dataclass(slots=True)
class _Waiting:
    """What waits for a key or a name."""

    packets: deque[Arrived] = field(default_factory=lambda: deque(maxlen=MOST_HELD))
    failures: int = 0


class Receiver:
    """Turns packets into sound; nothing it is given makes it raise.

    ``take`` and ``pass_on`` are for the thread that reads the socket, all else for the event loop.
    A packet needs about 40 µs, three quarters of them for decoding; only what comes out of order,
    or cannot be opened yet, waits.

    Args:
        connection: What opens packets, looked up for each.
        speakers: Who is in the call.
        clock: When something arrived.
        deaf: Called on the loop when 36 packets of one sender in a row could not be opened.
    """

    def __init__(
        self, connection: Sealed, speakers: Speakers, clock: Clock, *, deaf: Callable[[], None]
    ) -> None:
        self.counts = Counts()
        self.ignored: Mapping[int, float] = {}
        """User ids whose sound nobody wants, and until when."""
        self._connection = connection
        self._speakers = speakers
        self._opener = Opener(connection, speakers)
        self._unsealer = Unsealer()
        self._clock = clock
        self._deaf = deaf
        self._loop = asyncio.get_running_loop()
        self._streams: dict[int, Stream] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._lock = threading.Lock()
        self._sound: deque[Heard] = deque(maxlen=MOST_FRAMES)
        self._waits = self._woken = False
        self._timer: asyncio.TimerHandle | None = None
        self._news = asyncio.Event()
        self._closed = False

    def take(self, data: bytes) -> None:
        """Take a datagram, whatever it is; what comes of it waits for ``pass_on``."""
        at = self._clock.monotonic()
        self.counts.packets += 1
        header = read_header(data)
        key = _key_of(self._connection)
        if header is None or key is None or header.ssrc == self._connection.ssrc:
            self.counts.strange += 1
            return
        frame = self._unsealer.unseal(data, header, key)
        if not frame:
            self.counts.strange += frame is None
            return
        arrived = Arrived(header.sequence, header.timestamp, frame, at)
        with self._lock:
            self._waits |= self._place(header.ssrc, arrived)

    def pass_on(self) -> None:
        """Let the loop know of what was taken; however much that was, it is called once."""
        waits, self._waits = self._waits, False
        if (self._sound or waits) and not self._woken:
            self._woken = True
            self._call(self._look)

    async def heard(self) -> list[Heard]:
        """Wait for sound, and return all of it, oldest first; empty once it is closed."""
        while not self._sound and not self._closed:
            self._news.clear()
            await self._news.wait()
        return [self._sound.popleft() for _ in range(len(self._sound))]

    def begin_anew(self) -> None:
        """Forget every stream: another session with a voice server begins."""
        with self._lock:
            self._streams.clear()
            self._waiting.clear()

    def close(self) -> None:
        """Let whoever waits for sound go; what is there may still be fetched."""
        self._closed = True
        self._news.set()
        if self._timer is not None:
            self._timer.cancel()

    def _place(self, ssrc: int, arrived: Arrived) -> bool:
        """Hear a packet, or let it wait; say whether anything of its sender waits now."""
        stream = self._streams.get(ssrc)
        if stream is not None and not stream.wants(arrived.sequence):
            self.counts.late += 1
            return stream.due is not None
        opened = self._opener.open(ssrc, arrived.frame)
        waiting = self._waiting.get(ssrc)
        if opened is None:
            return self._let_wait(ssrc, arrived, waiting)
        if waiting is not None:
            del self._waiting[ssrc]
            self._hear_late(ssrc, waiting, arrived.at)
        return self._hear(ssrc, opened, arrived)

    def _let_wait(self, ssrc: int, arrived: Arrived, waiting: _Waiting | None) -> bool:
        if arrived.frame == SILENCE:
            return False
        if waiting is None:
            waiting = self._waiting[ssrc] = _Waiting()
            self._forget_oldest_stranger()
        self.counts.locked += len(waiting.packets) == MOST_HELD
        waiting.packets.append(arrived)
        waiting.failures += is_end_to_end(arrived.frame)
        if waiting.failures >= TOO_MANY_FAILURES:
            waiting.failures = 0
            self._call(self._deaf)
        return True

    def _forget_oldest_stranger(self) -> None:
        if len(self._waiting) > MOST_STRANGERS:
            oldest = self._waiting.pop(next(iter(self._waiting)))
            self.counts.locked += len(oldest.packets)

    def _hear_late(self, ssrc: int, waiting: _Waiting, now: float) -> None:
        """Hear what waited for a key; what is too old to be answered is not."""
        for arrived in waiting.packets:
            fresh = arrived.at > now - _HELD_SECONDS
            opened = self._opener.open(ssrc, arrived.frame) if fresh else None
            if opened is None:
                self.counts.locked += 1
            else:
                self._hear(ssrc, opened, arrived)

    def _hear(self, ssrc: int, opened: Opened, arrived: Arrived) -> bool:
        if self.ignored.get(opened.user_id, 0.0) > arrived.at:
            self._streams.pop(ssrc, None)
            return False
        stream = self._streams.get(ssrc)
        if stream is None or stream.user_id != opened.user_id:
            stream = self._begin_stream(ssrc, opened.user_id, arrived.at)
        placed = Arrived(arrived.sequence, arrived.timestamp, opened.frame, arrived.at)
        self._give(stream.user_id, stream.push(placed))
        return stream.due is not None

    def _begin_stream(self, ssrc: int, user_id: int, now: float) -> Stream:
        """Begin a stream; a former one of the same person has said its last."""
        for mark, former in list(self._streams.items()):
            if former.user_id == user_id or len(self._streams) >= MOST_STREAMS:
                self._give(former.user_id, former.release(now + _HELD_SECONDS))
                del self._streams[mark]
        stream = self._streams[ssrc] = Stream(user_id, self.counts)
        return stream

    def _give(self, user_id: int, frames: Iterable[AudioFrame]) -> None:
        for frame in frames:
            self.counts.overflowed += len(self._sound) == MOST_FRAMES
            self._sound.append(Heard(user_id, frame))

    def _call(self, called: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(called)

    def _look(self) -> None:
        self._woken = False
        if self._sound:
            self._news.set()
        if self._timer is None and not self._closed:
            self._nap()

    def _nap(self) -> None:
        """Look again when something that waits is due."""
        now = self._clock.monotonic()
        with self._lock:
            due = [each.due for each in self._streams.values() if each.due is not None]
            if any(each.packets for each in self._waiting.values()):
                due.append(now + _RETRY_SECONDS)
        if due:
            seconds = max(_SHORTEST_NAP, min(due) - now)
            self._timer = self._loop.call_later(seconds, self._tick)

    def _tick(self) -> None:
        """Hear what has waited long enough, and try again what could not be opened."""
        self._timer = None
        now = self._clock.monotonic()
        with self._lock:
            for stream in self._streams.values():
                self._give(stream.user_id, stream.release(now))
            for ssrc, waiting in list(self._waiting.items()):
                self._try_again(ssrc, waiting, now)
        if self._sound:
            self._news.set()
        if not self._closed:
            self._nap()

    def _try_again(self, ssrc: int, waiting: _Waiting, now: float) -> None:
        if not waiting.packets:
            return
        newest = waiting.packets[-1]
        if newest.at < now - _HELD_SECONDS:
            self.counts.locked += len(waiting.packets)
            waiting.packets.clear()
        elif (opened := self._opener.open(ssrc, newest.frame)) is not None:
            del self._waiting[ssrc]
            waiting.packets.pop()  # a frame opens only once
            self._hear_late(ssrc, waiting, now)
            self._hear(ssrc, opened, newest)


def _key_of(connection: Sealed) -> bytes | None:
    """Return the key packets are sealed with now, once there is one."""
    key = connection.secret_key
    return bytes(key) if key and len(key) == KEY_BYTES else None
