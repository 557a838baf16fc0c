"""Who takes part in a call, whether over the network or in this process."""

from __future__ import annotations

from typing import Protocol

from tests.discord_standin.payloads.view import Json
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.rtp import Packet


class Party(Protocol):
    """One participant as the call sees it."""

    @property
    def user_id(self) -> int:
        """Whose it is."""
        ...

    @property
    def ssrc(self) -> int:
        """What marks its packets."""
        ...

    @property
    def is_bot(self) -> bool:
        """Whether a bot's own client is behind it."""
        ...

    def told(self, op: Op, data: Json) -> None:
        """Take a frame of the voice gateway."""
        ...

    def told_bytes(self, op: Op, payload: bytes) -> None:
        """Take a binary frame."""
        ...

    def hears(self, sender: int, packet: Packet) -> None:
        """Take a packet of another participant."""
        ...
