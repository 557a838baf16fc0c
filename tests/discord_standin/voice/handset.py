"""A fake person in a call: speaks, listens and takes part in the encryption."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from tests.discord_standin.payloads.view import Json
from tests.discord_standin.voice.call import Call
from tests.discord_standin.voice.endpoint import Endpoint
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.recorder import Recorder
from tests.discord_standin.voice.rtp import (
    FRAME_SECONDS,
    SAMPLES_PER_FRAME,
    SILENCE,
    Header,
    Packet,
)

_CLOSING_SILENCE = 5
_SPEAKS, _SHUTS_UP = 1, 0


class Handset:
    """One person's side of one call; ``recorder`` keeps what was heard.

    Args:
        call: Where it takes part, from ``enter`` on.
        user_id: Whose it is.
        ssrc: Marks its packets.
        changed: Called after everything that happens.
    """

    is_bot = False

    def __init__(self, call: Call, user_id: int, ssrc: int, *, changed: Callable[[], None]) -> None:
        self.call = call
        self.user_id = user_id
        self.ssrc = ssrc
        self.recorder = Recorder(changed)
        self.roster: set[int] = set()
        self.endpoint = Endpoint(
            user_id,
            call.channel_id,
            ssrc,
            roster=lambda: self.roster,
            answer=self._answer,
        )
        self.speaking_of: dict[int, int] = {}
        self.sequence = 0
        self.timestamp = 0
        self._last_sent = 0.0

    def enter(self) -> None:
        """Take part from now on."""
        version = self.call.group.version
        self.call.enter(self)
        self.endpoint.begin(version)

    def hang_up(self) -> None:
        """Take part no more."""
        self.call.leave(self)

    async def says(
        self, frames: Iterable[bytes], *, announced: bool = True, ends: bool = True
    ) -> None:
        """Send Opus frames, one each 20 ms on an even grid.

        Args:
            frames: What to say; ``sound`` makes them of WAV files and PCM.
            announced: Whether the others are told by op 5 whose packets these are.
            ends: Whether five frames of silence follow, as clients send them.
        """
        if announced:
            self.announces()
        loop = asyncio.get_running_loop()
        self._skip_pause(loop.time())
        begun = loop.time()
        closing = [SILENCE] * _CLOSING_SILENCE if ends else []
        for number, frame in enumerate([*frames, *closing]):
            await asyncio.sleep(begun + number * FRAME_SECONDS - loop.time())
            self.sends(frame)
        self._last_sent = loop.time()

    def announces(self, *, speaking: bool = True) -> None:
        """Send op 5; the others hear of it when it is their first from this person."""
        data = {"speaking": _SPEAKS if speaking else _SHUTS_UP, "delay": 0, "ssrc": self.ssrc}
        self.call.take(self, Op.SPEAKING, data)

    def sends(self, frame: bytes) -> None:
        """Send one frame at once."""
        header = Header(sequence=self.sequence, timestamp=self.timestamp, ssrc=self.ssrc)
        self.sequence = (self.sequence + 1) % (1 << 16)
        self.timestamp = (self.timestamp + SAMPLES_PER_FRAME) % (1 << 32)
        self.call.carry(self, Packet(header=header, frame=self.endpoint.encrypt(frame)))

    def told(self, op: Op, data: Json) -> None:
        """Take a frame of the voice server."""
        if op is Op.CLIENTS_CONNECT:
            self.roster.update(int(each) for each in data["user_ids"])
        elif op is Op.CLIENT_DISCONNECT:
            self.roster.discard(int(data["user_id"]))
        elif op is Op.SPEAKING:
            self.speaking_of[int(data["user_id"])] = data["ssrc"]
        else:
            self.endpoint.take(op, data)

    def told_bytes(self, op: Op, payload: bytes) -> None:
        """Take a binary frame."""
        self.endpoint.take_bytes(op, payload)

    def hears(self, sender: int, packet: Packet) -> None:
        """Record a packet, decrypted where that is possible."""
        self.recorder.keep(sender, packet, self.endpoint.decrypt(sender, packet.frame))

    def _skip_pause(self, now: float) -> None:
        """Let the timestamps go on while nobody spoke, as senders' clocks do."""
        if self._last_sent:
            frames = max(0, round((now - self._last_sent) / FRAME_SECONDS) - 1)
            self.timestamp = (self.timestamp + frames * SAMPLES_PER_FRAME) % (1 << 32)

    def _answer(self, op: Op, data: Json | bytes) -> None:
        """Answer after the server has told everybody what it is telling now."""
        asyncio.get_running_loop().call_soon(self.call.take, self, op, data)
