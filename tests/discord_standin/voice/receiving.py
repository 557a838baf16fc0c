"""The plainest way to receive with discord.py: what a listener must at least do with a packet.

It is an oracle for tests of the stand-in: no jitter buffer, no repair, no patience.
"""

from __future__ import annotations

import threading
from collections import defaultdict

import davey
import discord

from tests.discord_standin.voice.rtp import SILENCE, Header, NotRtp, opened
from tests.discord_standin.voice.sealing import CIPHERS, Unreadable

_SHORTEST = 28


class Receiver:
    """Collects Opus frames by user id, from discord.py's reader thread.

    ``of`` are the frames in the order of arrival, silence left out; ``failed`` are the packets no
    member's keys opened.
    """

    def __init__(self, client: discord.VoiceClient) -> None:
        self.of: dict[int, list[bytes]] = defaultdict(list)
        self.sequences: dict[int, list[int]] = defaultdict(list)
        self.failed: list[bytes] = []
        self.unreadable = 0
        self.padded = 0
        self.extended = 0
        self._connection = client._connection
        self._owners: dict[int, int] = {}
        self._lock = threading.Lock()
        self._connection.add_socket_listener(self._take)

    def close(self) -> None:
        """Stop listening."""
        self._connection.remove_socket_listener(self._take)

    def knows(self, ssrc: int, user_id: int) -> None:
        """Learn whose packets these are, as op 5 tells."""
        self._owners[ssrc] = user_id

    @property
    def count(self) -> int:
        """How many frames were understood."""
        with self._lock:
            return sum(map(len, self.of.values()))

    def _take(self, data: bytes) -> None:
        connection = self._connection
        if len(data) < _SHORTEST:
            return
        try:
            header, size = Header.parse(data)
            cipher = CIPHERS[connection.mode](bytes(connection.secret_key))
            plain = cipher.open(data[size:-4], data[:size], data[-4:])
            packet = opened(header, plain, at_us=0, nonce=0)
        except NotRtp:
            return
        except Unreadable:
            self.unreadable += 1
            return
        if packet.frame == SILENCE:
            return
        self.padded += header.padded
        self.extended += header.extension_words is not None
        with self._lock:
            self._keep(header, packet.frame)

    def _keep(self, header: Header, frame: bytes) -> None:
        session = self._connection.dave_session
        if session is None or not session.ready:
            found = self._owners.get(header.ssrc), frame
        else:
            found = self._decrypt(session, header.ssrc, frame)
        if found[0] is None:
            self.failed.append(frame)
            return
        self.of[found[0]].append(found[1])
        self.sequences[found[0]].append(header.sequence)

    def _decrypt(
        self, session: davey.DaveSession, ssrc: int, frame: bytes
    ) -> tuple[int | None, bytes]:
        """Try the owner's keys, or everybody's: the tag tells whose they were."""
        known = self._owners.get(ssrc)
        for user_id in [known] if known else map(int, session.get_user_ids()):
            try:
                plain = session.decrypt(user_id, davey.MediaType.audio, frame)
            except ValueError:
                continue
            self._owners[ssrc] = user_id
            return user_id, plain
        return None, frame
