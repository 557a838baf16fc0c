"""Where answers go while a call is on: into the call, and to where the text is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.domain.replies import Delivery, ReplySink, TurnBrief
from services.voice.call import VoiceCall
from services.voice.certain_sinks import ReticentSink


@dataclass(frozen=True, slots=True)
class SpokenDelivery:
    """Speaks answers in the call that ``find`` returns when the turn starts, if it returns one.

    ``text`` shows them as well, or alone when the call is left before. Without either an answer
    goes nowhere. Opening waits for nobody: an answer that has to wait before it is spoken is shown
    meanwhile, and what answers somebody who may go on speaking once that is decided.
    """

    find: Callable[[], VoiceCall | None]
    text: Delivery | None = None

    def open(self, turn: TurnBrief, /) -> AbstractAsyncContextManager[Sequence[ReplySink]]:
        """Enter for the length of one turn."""
        return self._open(turn)

    @asynccontextmanager
    async def _open(self, turn: TurnBrief) -> AsyncIterator[Sequence[ReplySink]]:
        call = self.find()
        async with AsyncExitStack() as stack:
            sinks: list[ReplySink] = []
            attempt = None if call is None else call.attempt(turn)
            if call is not None:
                sinks.append(await stack.enter_async_context(call.answering(turn)))
            if self.text is not None:
                shown = await stack.enter_async_context(self.text.open(turn))
                sinks.extend(
                    shown if attempt is None else [ReticentSink(one, attempt) for one in shown]
                )
            yield sinks
