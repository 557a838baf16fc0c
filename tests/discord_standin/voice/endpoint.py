"""One fake person's end of the encryption, on Discord's own libdave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import dave
import davey

from tests.discord_standin.payloads.view import Json
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.rtp import SILENCE

_OLD_KEYS_SECONDS: Final = 10.0
_CODE_DIGITS, _CODE_GROUP = 30, 5

Answer = Callable[[Op, Json | bytes], None]


class Endpoint:
    """Follows the group, encrypts own frames and decrypts those of others.

    Args:
        user_id: Whose end it is.
        channel_id: Names the group.
        ssrc: Of own packets.
        roster: Returns who is in the call; nobody else is let into the group.
        answer: Sends a frame to the voice server.
    """

    def __init__(
        self,
        user_id: int,
        channel_id: int,
        ssrc: int,
        *,
        roster: Callable[[], set[int]],
        answer: Answer,
    ) -> None:
        self.version = 0
        self.failures: list[str] = []
        self._user_id = user_id
        self._channel_id = channel_id
        self._ssrc = ssrc
        self._roster = roster
        self._answer = answer
        self._session = dave.Session(lambda *words: self.failures.append(" ".join(words)))
        self._encryptor = dave.Encryptor()
        self._encryptor.assign_ssrc_to_codec(ssrc, dave.Codec.opus)
        self._encryptor.set_passthrough_mode(True)
        self._decryptors: dict[int, dave.Decryptor] = {}
        self._members: set[int] = set()
        self._pending: dict[int, tuple[int, dave.IKeyRatchet | None]] = {}

    def begin(self, version: int) -> None:
        """Start with the version the call speaks; from 1 on, a key package is sent."""
        self.version = version
        if version:
            self._session.init(version, self._channel_id, str(self._user_id))
            self._send_key_package()

    @property
    def established(self) -> bool:
        """Whether there is a group to share keys with."""
        return bool(self._session.has_established_group())

    @property
    def privacy_code(self) -> str | None:
        """The digits people compare, or None without a group."""
        secret = self._session.get_last_epoch_authenticator()
        if not secret or not self.established:
            return None
        return davey.generate_displayable_code(secret, _CODE_DIGITS, _CODE_GROUP)

    def encrypt(self, frame: bytes) -> bytes:
        """Return a frame as it goes out; silence and unencrypted calls leave it as it is."""
        if frame == SILENCE or not self.version or not self._encryptor.has_key_ratchet():
            return frame
        sealed = self._encryptor.encrypt(dave.MediaType.audio, self._ssrc, frame)
        assert sealed is not None
        return sealed

    def decrypt(self, sender: int, frame: bytes) -> bytes | None:
        """Return what somebody sent, or None where this end cannot read it."""
        if frame == SILENCE or not self.version:
            return frame
        decryptor = self._decryptors.get(sender)
        return None if decryptor is None else decryptor.decrypt(dave.MediaType.audio, frame)

    def take(self, op: Op, data: Json) -> None:
        """Follow a frame in JSON."""
        if op is Op.PREPARE_EPOCH and data["epoch"] == 1:
            self._decryptors.clear()
            self._session.reset()
            self.begin(data["protocol_version"])
        elif op is Op.PREPARE_TRANSITION:
            self._prepare(data["transition_id"], data["protocol_version"], None)
            if data["protocol_version"] == 0:
                for decryptor in self._decryptors.values():
                    decryptor.transition_to_passthrough_mode(True, _OLD_KEYS_SECONDS)
        elif op is Op.EXECUTE_TRANSITION:
            self._execute(data["transition_id"])

    def take_bytes(self, op: Op, payload: bytes) -> None:
        """Follow a binary frame."""
        if op is Op.EXTERNAL_SENDER:
            self._session.set_external_sender(payload)
        elif op is Op.PROPOSALS:
            commit = self._session.process_proposals(payload, self._recognized())
            if commit:
                self._answer(Op.COMMIT_WELCOME, commit)
        elif op in (Op.ANNOUNCE_COMMIT, Op.WELCOME):
            self._enter_epoch(op, int.from_bytes(payload[:2]), payload[2:])

    def _enter_epoch(self, op: Op, transition: int, message: bytes) -> None:
        if op is Op.WELCOME:
            self._members.clear()
            known = self._session.process_welcome(message, self._recognized())
        else:
            processed = self._session.process_commit(message)
            if processed is dave.RejectType.ignored:
                return
            known = processed if isinstance(processed, dict) else None
        if known is None:
            self.failures.append(f"could not follow {op.name}")
            self._answer(Op.INVALID_COMMIT_WELCOME, {"transition_id": transition})
            self._session.reset()
            self.begin(self.version or 1)
            return
        self._members.update(known)
        for user_id, key in known.items():  # only what changed; an empty key means gone
            if not key:
                self._members.discard(user_id)
        self._take_keys_of(self._members - {self._user_id})
        self._prepare(transition, 1, self._session.get_key_ratchet(str(self._user_id)))

    def _take_keys_of(self, others: set[int]) -> None:
        for gone in self._decryptors.keys() - others:
            del self._decryptors[gone]
        for user_id in others:
            decryptor = self._decryptors.setdefault(user_id, dave.Decryptor())
            ratchet = self._session.get_key_ratchet(str(user_id))
            assert ratchet is not None
            decryptor.transition_to_key_ratchet(ratchet, _OLD_KEYS_SECONDS)

    def _prepare(self, transition: int, version: int, ratchet: dave.IKeyRatchet | None) -> None:
        self._pending[transition] = (version, ratchet)
        if transition:
            self._answer(Op.TRANSITION_READY, {"transition_id": transition})
        else:
            self._execute(transition)

    def _execute(self, transition: int) -> None:
        if transition not in self._pending:
            return
        self.version, ratchet = self._pending.pop(transition)
        self._encryptor.set_passthrough_mode(not self.version)
        if ratchet is not None:
            self._encryptor.set_key_ratchet(ratchet)

    def _recognized(self) -> set[str]:
        return {str(each) for each in self._roster()} | {str(self._user_id)}

    def _send_key_package(self) -> None:
        package = self._session.get_marshalled_key_package()
        assert package is not None
        self._answer(Op.KEY_PACKAGE, package)
