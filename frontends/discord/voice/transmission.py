"""What goes out at each moment of the grid: sound, silence after it, or a sign of life."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import discord

from frontends.discord.voice.grid import Slot
from frontends.discord.voice.opus_mouth import SILENCE, OpusMouth
from frontends.discord.voice.speaking_light import SpeakingLight
from services.voice.audio_io import BLOCK_RATE, BLOCK_SECONDS

logger = logging.getLogger(__name__)

CLOSING_SILENCE: Final = 5
"""Frames after the last sound, so that listeners' decoders do not make up more of it.

https://discord.com/developers/docs/topics/voice-connections#voice-data-interpolation
"""

_KEEPALIVE_SLOTS: Final = round(5.0 / BLOCK_SECONDS)
_KEEPALIVE_BYTES: Final = 8
_LIGHT_SECONDS: Final = 0.005
_SAMPLES: Final = int(BLOCK_RATE * BLOCK_SECONDS)
_TIMESTAMPS: Final = 1 << 32


@dataclass(slots=True, kw_only=True)
class Tally:
    """What happened in a stretch of time; ``late`` in seconds."""

    late: list[float] = field(default_factory=list)
    skipped: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    unsent: Counter[str] = field(default_factory=Counter)
    keepalives: int = 0


class Transmission:
    """Sends over whatever connection the client has at the moment; for one thread alone.

    ``told`` is set when Discord knows whether the bot speaks.

    Sequence, timestamp and nonce of the client belong to that thread. The timestamp is that of the
    slot, so it advances while nothing is sent. A connection begins with five frames of silence,
    which older servers wanted before they let a bot hear. Where a call is encrypted end to end,
    sound is held back while there is no key to encrypt it with.
    """

    def __init__(self, client: discord.VoiceClient, mouth: OpusMouth, light: SpeakingLight) -> None:
        self.tally = Tally()
        self.told = threading.Event()
        self.told.set()
        self._client = client
        self._mouth = mouth
        self._light = light
        self._greeted: object = None
        self._first_timestamp = client.timestamp
        self._lit = False
        self._silence_due = 0
        self._sent_in = 0
        self._keepalives = 0
        self._failing = False

    @property
    def silent(self) -> bool:
        """Whether nothing sounds that still has to be ended."""
        return not self._silence_due

    def serve(self, slot: Slot, block: bytes | None) -> None:
        """Send what is due in a slot; what cannot be sent is dropped, and nothing is raised."""
        try:
            self._serve(slot, block)
        except Exception as error:  # noqa: BLE001  a connection may die in any way under it
            self.tally.unsent["failed"] += 1
            if not self._failing:
                logger.warning("sound was not sent", extra={"error": repr(error)})
            self._failing = True
        else:
            self._failing = False

    def end(self, slot: Slot) -> None:
        """Go on with the silence that ends a stretch; nothing else is sent."""
        if not self.silent:
            self.serve(slot, None)

    def _serve(self, slot: Slot, block: bytes | None) -> None:
        client = self._client
        if not (client.is_connected() and client.secret_key):
            self._greeted, self._lit, self._silence_due = None, False, 0
            self.tally.unsent["unconnected"] += block is not None
            return
        if self._greeted is not client.ws:
            self._greeted, self._lit = client.ws, False
            self._silence_due, self._sent_in = CLOSING_SILENCE, slot.number
        if block is not None:
            self._speak(slot, block)
        elif self._silence_due:
            self._fall_silent(slot)
        elif slot.number - self._sent_in >= _KEEPALIVE_SLOTS:
            self._keep_alive(slot)

    def _speak(self, slot: Slot, block: bytes) -> None:
        self._silence_due = CLOSING_SILENCE
        frame = self._mouth.encode(block)
        if not self._lit:
            self._lit = True
            self.told = self._light.switch(on=True)
            self.told.wait(_LIGHT_SECONDS)
        if self._has_key():
            self._send(slot, frame, "sound")
        else:
            self.tally.unsent["no_key"] += 1

    def _fall_silent(self, slot: Slot) -> None:
        self._silence_due -= 1
        self._send(slot, SILENCE, "silence")
        if self._silence_due:
            return
        self._mouth.forget()
        if self._lit:
            self._lit = False
            self.told = self._light.switch(on=False)

    def _send(self, slot: Slot, frame: bytes, kind: str) -> None:
        at = self._first_timestamp + slot.number * _SAMPLES
        self._client.timestamp = at % _TIMESTAMPS
        self._client.send_audio_packet(frame, encode=False)
        self._sent_in = slot.number
        self.tally.sent[kind] += 1

    def _has_key(self) -> bool:
        connection = self._client._connection  # noqa: SLF001  discord.py tells nowhere else
        return connection.dave_protocol_version == 0 or connection.can_encrypt

    def _keep_alive(self, slot: Slot) -> None:
        self._sent_in = slot.number
        self._keepalives += 1
        self.tally.keepalives += 1
        packet = self._keepalives.to_bytes(_KEEPALIVE_BYTES, "little")
        with contextlib.suppress(OSError):
            self._client._connection.send_packet(packet)  # noqa: SLF001  it has no other door
