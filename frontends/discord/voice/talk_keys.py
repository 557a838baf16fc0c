"""Who holds the button of push-to-listen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from services.domain.ids import AuthorId
from services.lifecycle import Supervisor
from services.voice.call import VoiceCall

KEY_SECONDS = 30.0
"""How long the button counts as held when nothing is said."""

_MOST_KEYS = 100


class TalkKeys:
    """Holds keys of the call that ``call`` returns, until turns are over or time is."""

    def __init__(self, call: Callable[[], VoiceCall | None], supervisor: Supervisor) -> None:
        self._call = call
        self._supervisor = supervisor
        self._held: dict[AuthorId, asyncio.Task[None]] = {}

    def press(self, who: AuthorId) -> bool:
        """Hold the key for somebody, or end what they say; say whether it is held now."""
        call = self._call()
        if call is None:
            return False
        if who in self._held:
            self.let_go(who)
            call.release(who)
            return False
        if len(self._held) < _MOST_KEYS:
            call.wake.press(who)
            self._held[who] = self._supervisor.start("key", partial(self._hold, who))
        return who in self._held

    def let_go(self, who: AuthorId) -> None:
        """Hear nothing more of somebody, whose turn is over or who left."""
        task = self._held.pop(who, None)
        if task is not None:
            task.cancel()
            call = self._call()
            if call is not None:
                call.wake.release(who)

    def let_all_go(self) -> None:
        """Hear nothing more of anybody."""
        for who in tuple(self._held):
            self.let_go(who)

    async def _hold(self, who: AuthorId) -> None:
        await asyncio.sleep(KEY_SECONDS)
        self._held.pop(who, None)
        call = self._call()
        if call is not None:
            call.release(who)
