"""Showing an answer in Discord while it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from frontends.discord.desk import Desk
from frontends.discord.places import Place
from frontends.discord.sink import AnswerSink, Posted
from services.domain.ids import PersonaId
from services.domain.people import Author
from services.domain.replies import ReplySink, TurnBrief, TurnKind


class DiscordDelivery:
    """Answers in one place.

    A first answer becomes new messages, in reply to ``reply_to`` where that can be; another
    version or a continuation changes the messages in ``posted``, or those this delivery posted for
    the same character before.
    """

    def __init__(
        self,
        desk: Desk,
        place: Place,
        *,
        asker: Author | None,
        reply_to: int | None = None,
        posted: Sequence[Posted] = (),
        before: str = "",
    ) -> None:
        self._desk = desk
        self._place = place
        self._asker = asker
        self._reply_to = reply_to
        self._given = tuple(posted)
        self._before = before
        self._shown: dict[PersonaId, tuple[Posted, ...]] = {}

    @asynccontextmanager
    async def open(self, turn: TurnBrief, /) -> AsyncIterator[Sequence[ReplySink]]:
        """Give the one sink; leaving waits until what it posts has been posted."""
        again = turn.kind in (TurnKind.REGENERATE, TurnKind.CONTINUE)
        sink = AnswerSink(
            self._desk,
            self._place,
            turn,
            asker=self._asker,
            reply_to=self._reply_to,
            posted=(self._shown.get(turn.persona) or self._given) if again else (),
            before=self._before if turn.kind is TurnKind.CONTINUE else "",
        )
        dressed: ReplySink = sink
        if self._asker is not None:
            dressed = self._desk.conversations.dressed(turn, sink, viewer=self._asker)
        writing = self._desk.supervisor.start("answer", sink.write)
        speaking = self._desk.speaking
        if self._asker is not None:
            speaking[turn.conversation] = self._asker.id
        try:
            yield (dressed,)
        finally:
            speaking.pop(turn.conversation, None)
            sink.close()
            await asyncio.wait([writing])
            self._shown[turn.persona] = sink.posted
