"""Following the folders of characters while the program runs."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from services.lifecycle import Supervisor
from services.persona.library import CharacterLibrary

_SHARE = 0.03
_LONGEST_SECONDS = 15.0


class CharacterWatch:
    """While entered, has the library look for changed cards every ``seconds``.

    A change counts after two looks that see the same. With so many cards that looking would take
    more than 3 % of the time, looks are made less often, every 15 s at least.
    """

    def __init__(self, library: CharacterLibrary, *, seconds: float = 1.0) -> None:
        self._library = library
        self._seconds = seconds
        self._supervisor = Supervisor()

    async def __aenter__(self) -> Self:
        self._supervisor = await Supervisor().__aenter__()
        self._supervisor.start("characters watch", self._watch, restart=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._supervisor.__aexit__(kind, error, trace)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        pause = self._seconds
        while True:
            await asyncio.sleep(pause)
            began = loop.time()
            await self._library.look_again()
            took = loop.time() - began
            pause = max(self._seconds, min(took / _SHARE, _LONGEST_SECONDS))
