"""One channel's call: who takes part, what they tell each other, and whom their sound reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.discord_standin.payloads.view import Json
from tests.discord_standin.voice.group import Group
from tests.discord_standin.voice.mls import ExternalSender
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.parties import Party
from tests.discord_standin.voice.rtp import Packet
from tests.discord_standin.voice.settings import VoiceSettings


class Call:
    """Passes everything on to everybody else, and leaves the encryption to ``group``."""

    def __init__(
        self,
        channel_id: int,
        settings: VoiceSettings,
        sender: ExternalSender,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.channel_id = channel_id
        self.sender = sender
        self.parties: dict[int, Party] = {}
        self.deafened: set[int] = set()
        self.muted: set[int] = set()
        self.group = Group(
            channel_id,
            sender,
            self.parties,
            version=settings.dave_version,
            committers=settings.committers,
            changed=changed,
        )
        self._changed = changed
        self._speaking: dict[int, Json] = {}
        self._introduced: dict[int, set[int]] = {}

    def enter(self, party: Party) -> None:
        """Let somebody in; the others hear of it first."""
        newcomer = party.user_id
        others = [each for each in self.parties.values() if each.user_id != newcomer]
        for other in others:
            _introduce(other, [newcomer])
        self.parties[newcomer] = party
        self._introduced[newcomer] = set()
        if others:
            _introduce(party, [other.user_id for other in others])
        self.group.admit(party)
        self._changed()

    def leave(self, party: Party) -> None:
        """Let somebody go, unless another connection took their place."""
        user_id = party.user_id
        if self.parties.get(user_id) is not party:
            return
        del self.parties[user_id]
        self._speaking.pop(user_id, None)
        self._introduced.pop(user_id, None)
        for introduced in self._introduced.values():
            introduced.discard(user_id)
        for other in list(self.parties.values()):
            other.told(Op.CLIENT_DISCONNECT, {"user_id": str(user_id)})
        self.group.dismiss(user_id)
        self._changed()

    def take(self, party: Party, op: Op, data: Json | bytes) -> None:
        """Take what a participant sends about speaking or the encryption."""
        user_id = party.user_id
        if self.parties.get(user_id) is not party:
            return
        if isinstance(data, bytes):
            if op is Op.KEY_PACKAGE:
                self.group.take_key_package(user_id, data)
            elif op is Op.COMMIT_WELCOME:
                self.group.take_commit(user_id, data)
        elif op is Op.SPEAKING:
            self._speaking[user_id] = data
            self._introduce_speaker(user_id)
        elif op is Op.TRANSITION_READY:
            self.group.take_ready(user_id, data["transition_id"])
        elif op is Op.INVALID_COMMIT_WELCOME:
            self.group.take_invalid(user_id)
        self._changed()

    def carry(self, party: Party, packet: Packet) -> None:
        """Bring a packet to everybody else who may hear."""
        sender = party.user_id
        if sender in self.muted or self.parties.get(sender) is not party:
            return
        if sender in self._speaking:
            self._introduce_speaker(sender)
        for user_id, other in list(self.parties.items()):
            if user_id not in (sender, *self.deafened):
                other.hears(sender, packet)

    def _introduce_speaker(self, user_id: int) -> None:
        """Tell whose packets these are, once to everybody, when somebody first speaks."""
        data = self._speaking[user_id]
        if not data["speaking"]:
            return
        for listener, introduced in self._introduced.items():
            if listener != user_id and user_id not in introduced:
                introduced.add(user_id)
                self.parties[listener].told(
                    Op.SPEAKING,
                    {
                        "user_id": str(user_id),
                        "ssrc": data["ssrc"],
                        "speaking": data["speaking"],
                    },
                )


def _introduce(to: Party, user_ids: Iterable[int]) -> None:
    names = [str(each) for each in user_ids]
    to.told(Op.CLIENTS_CONNECT, {"user_ids": names})
    for name in names:
        to.told(Op.CLIENT_FLAGS, {"user_id": name, "flags": 0})
        to.told(Op.CLIENT_PLATFORM, {"user_id": name, "platform": 0})
