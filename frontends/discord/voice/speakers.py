"""Who is in the call, whose packets are whose, and what opens them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import davey

from frontends.discord.voice.packets import SILENCE, is_end_to_end


class Speakers:
    """The others in the call, and the SSRCs that mark their packets; for several threads."""

    def __init__(self) -> None:
        self._owners: dict[int, int] = {}
        self.roster: frozenset[int] = frozenset()
        """User ids of everybody else in the call, as the voice server announced them."""

    def begin_anew(self) -> None:
        """Forget everybody: another session with a voice server begins."""
        self.roster = frozenset()
        self._owners = {}

    def joined(self, user_ids: Iterable[int]) -> None:
        """Note who came, or was there already."""
        self.roster = self.roster.union(user_ids)

    def left(self, user_id: int) -> None:
        """Note who went."""
        self.roster = self.roster - {user_id}
        self._owners = {ssrc: each for ssrc, each in self._owners.items() if each != user_id}

    def speaks(self, user_id: int, ssrc: int) -> None:
        """Note whose packets are marked with ``ssrc``; a former mark of theirs is no longer."""
        if self._owners.get(ssrc) == user_id:
            return
        kept = {key: each for key, each in self._owners.items() if each != user_id}
        self._owners = {**kept, ssrc: user_id}

    def owner_of(self, ssrc: int) -> int | None:
        """Return whose packets these are, as far as is known."""
        return self._owners.get(ssrc)

    @property
    def only_one(self) -> int | None:
        """The one other in the call, where there is exactly one."""
        return next(iter(self.roster)) if len(self.roster) == 1 else None


class Keys(Protocol):
    """What opens frames; it changes while a call goes on, so it is looked up for each."""

    @property
    def dave_session(self) -> davey.DaveSession | None:
        """The keys of this call's members, where it is encrypted end to end."""
        ...

    @property
    def dave_protocol_version(self) -> int:
        """0 where nothing is encrypted end to end."""
        ...


class Opened(NamedTuple):
    """A frame of Opus, and who sent it."""

    user_id: int
    frame: bytes


class Opener:
    """Opens frames, and finds out whose they are.

    An encrypted frame opens with its sender's key alone, so trying everybody's tells who that is
    even where the voice server did not, or was wrong; a try takes about a microsecond.

    Args:
        keys: Whose session is read for every frame.
        speakers: Is told what the keys tell.
    """

    def __init__(self, keys: Keys, speakers: Speakers) -> None:
        self._keys = keys
        self._speakers = speakers

    def open(self, ssrc: int, frame: bytes) -> Opened | None:
        """Return what Opus can decode; ``None`` while the sender or the key is unknown."""
        owner = self._speakers.owner_of(ssrc)
        if is_end_to_end(frame):
            return self._decrypted(ssrc, owner, frame)
        if owner is None and frame != SILENCE:
            owner = self._speakers.only_one
        if owner is None:
            return None
        session = self._keys.dave_session
        if frame == SILENCE or session is None or not self._keys.dave_protocol_version:
            return Opened(owner, frame)
        passed = _decrypt(session, owner, frame)  # a transition may let it through for a while
        return None if passed is None else Opened(owner, passed)

    def _decrypted(self, ssrc: int, owner: int | None, frame: bytes) -> Opened | None:
        session = self._keys.dave_session
        if session is None:
            return None
        if owner is not None and (opened := _decrypt(session, owner, frame)) is not None:
            return Opened(owner, opened)
        for user_id in map(int, session.get_user_ids()):
            if user_id in (owner, session.user_id):
                continue
            opened = _decrypt(session, user_id, frame)
            if opened is not None:
                self._speakers.speaks(user_id, ssrc)
                return Opened(user_id, opened)
        return None


def _decrypt(session: davey.DaveSession, user_id: int, frame: bytes) -> bytes | None:
    try:
        return session.decrypt(user_id, davey.MediaType.audio, frame)
    except (ValueError, RuntimeError):
        return None
