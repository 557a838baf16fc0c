"""What a frontend gives a call: ears, and a mouth that plays blocks on a clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.domain.audio import SpeakerFrame

BLOCK_SECONDS = 0.02
BLOCK_RATE = 48_000
BLOCK_CHANNELS = 2
BLOCK_BYTES = int(BLOCK_SECONDS * BLOCK_RATE) * BLOCK_CHANNELS * 2

BlockSource = Callable[[], bytes | None]
"""Returns the next 20 ms as signed 16-bit PCM, 48 kHz stereo, or ``None`` where nothing sounds.

Called from whatever thread keeps the clock, once a block; never blocks and never raises.
"""


class AudioInput(Protocol):
    """Where a call's sound comes from."""

    def frames(self) -> AsyncGenerator[SpeakerFrame, None]:
        """Yield mono frames at 16 kHz of at most 100 ms as they arrive, several speakers mixed up.

        A silent speaker need not send anything. Ends with the connection.
        """
        ...


class AudioOutput(Protocol):
    """Where a call's sound goes."""

    def playing(self, source: BlockSource, /) -> AbstractAsyncContextManager[None]:
        """Play what ``source`` gives, a block every 20 ms, while entered.

        A block that was read counts as heard: it must be sounding within 25 ms.
        """
        ...
