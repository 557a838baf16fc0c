"""Showing an answer in Discord while it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from frontends.discord.desk import Desk, Writing
from frontends.discord.places import Place
from frontends.discord.sink import AnswerSink, Earlier, Posted
from services.domain.ids import PersonaId
from services.domain.people import Author
from services.domain.replies import ReplySink, TurnBrief, TurnKind


class DiscordDelivery:
    """Answers in one place.

    A first answer becomes new messages, in reply to ``reply_to`` where that can be; another
    version or a continuation changes the messages of ``earlier``, or those this delivery posted for
    the same character before, and so does an answer that begins anew.
    """

    def __init__(
        self,
        desk: Desk,
        place: Place,
        *,
        asker: Author | None,
        reply_to: int | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        self._desk = desk
        self._place = place
        self._asker = asker
        self._reply_to = reply_to
        self._earlier = earlier or Earlier()
        self._shown: dict[PersonaId, tuple[Posted, ...]] = {}
        self._cut_short: set[PersonaId] = set()

    @asynccontextmanager
    async def open(self, turn: TurnBrief, /) -> AsyncIterator[Sequence[ReplySink]]:
        """Give the one sink; leaving waits until what it posts has been posted."""
        sink = AnswerSink(
            self._desk,
            self._place,
            turn,
            asker=self._asker,
            reply_to=self._reply_to,
            earlier=self._earlier_of(turn),
        )
        dressed: ReplySink = sink
        if self._asker is not None:
            dressed = self._desk.conversations.dressed(turn, sink, viewer=self._asker)
        posting = self._desk.supervisor.start("answer", sink.write)
        speaking = self._desk.speaking
        if self._asker is not None:
            speaking[turn.conversation] = self._asker.id
        writing = self._desk.writing[turn.conversation] = Writing(turn.turn)
        try:
            yield (dressed,)
        finally:
            speaking.pop(turn.conversation, None)
            self._desk.writing.pop(turn.conversation, None)
            sink.close()
            await asyncio.wait([posting])
            sink.let_go()
            self._shown[turn.persona] = sink.posted
            writing.over.set()
            if sink.superseded:
                self._cut_short.add(turn.persona)
            else:
                self._cut_short.discard(turn.persona)

    def posted_for(self, persona: PersonaId) -> Sequence[Posted]:
        """Return the messages of a character's answer as they stand."""
        return self._shown.get(persona) or self._earlier.posted

    def _earlier_of(self, turn: TurnBrief) -> Earlier:
        match turn.kind:
            case TurnKind.REGENERATE:
                return replace(self._earlier, posted=self.posted_for(turn.persona), before="")
            case TurnKind.CONTINUE:
                return replace(self._earlier, posted=self.posted_for(turn.persona))
            case _ if turn.persona in self._cut_short:
                posted = self._shown[turn.persona]
                return Earlier(posted=posted, owner=self._earlier.owner, fresh=True)
            case _:
                return Earlier(owner=self._earlier.owner)
