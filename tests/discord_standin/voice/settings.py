"""How the voice side of a stand-in behaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tests.discord_standin.voice.sealing import CIPHERS


class Committers(Enum):
    """Whose commits count; Discord takes the first that comes."""

    ANYONE = "anyone"
    BOTS = "bots, where there are any in the group"
    PEOPLE = "people, where there are any in the group"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceSettings:
    """What a stand-in with voice is made with.

    Args:
        dave_version: 0 lets everybody speak without end-to-end encryption.
        modes: What is offered for the transport, in this order.
        heartbeat_seconds: How often clients of the voice gateway must beat.
        committers: Whose commits are taken.
        mapping_seconds: After how long without a datagram from a client its router, as it were,
            lets nothing through to it any more; None for never.
        seed: Of the links' chance.
    """

    dave_version: int = 1
    modes: tuple[str, ...] = tuple(CIPHERS)
    heartbeat_seconds: float = 13.75
    committers: Committers = Committers.ANYONE
    mapping_seconds: float | None = None
    seed: int = 1
