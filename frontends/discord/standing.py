"""An answer that stands in a channel and is changed without being generated."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import discord

from frontends.discord.buttons import Versions, answer_row
from frontends.discord.desk import Desk
from frontends.discord.pages import paginate
from frontends.discord.places import Place
from frontends.discord.posting import Face, Obstacle, OwnFace, PostingFailed
from frontends.discord.sink import Posted
from services.domain.ids import PersonaId
from services.domain.messages import HistoryEntry

logger = logging.getLogger(__name__)


class StandingAnswer:
    """The messages of a stored answer. Raises ``PostingFailed``.

    ``lost`` are messages of it that nobody can change any more; they are taken away, where the bot
    may, once others stand in their place.
    """

    def __init__(
        self,
        desk: Desk,
        place: Place,
        entry: HistoryEntry,
        *,
        posted: Sequence[Posted],
        asker: int,
        lost: Sequence[Posted] = (),
    ) -> None:
        self._desk = desk
        self._place = place
        self._entry = entry
        self._posted = [one.id for one in posted]
        self._lost = [one.id for one in lost]
        self._asker = asker

    async def show(self, text: str, versions: Versions) -> None:
        """Let the messages say ``text``; there are more or fewer of them then."""
        row = None
        if self._desk.settings.buttons:
            row = answer_row(self._entry.message.id, self._asker, versions)
        try:
            ids = await self._bring_to(text, row)
        except PostingFailed as error:
            if error.obstacle is not Obstacle.WEBHOOK:
                raise
            self._desk.faces.forget(self._place)
            self._lost += self._posted
            self._posted.clear()
            ids = await self._bring_to(text, row)
        await self._desk.conversations.published(self._entry.message.id, [str(one) for one in ids])
        await self.clear_away()

    async def delete(self) -> None:
        """Take all messages away; one that stays keeps none of the others."""
        face = await self._face()
        failure: PostingFailed | None = None
        own = OwnFace(self._place.channel)
        of_whom = [(face, one) for one in self._posted] + [(own, one) for one in self._lost]
        for one, message in of_whom:
            await self._desk.pacing.free(one.sending)
            try:
                await one.delete(message)
            except PostingFailed as error:
                failure = error
        if failure is not None:
            raise failure

    async def clear_away(self) -> None:
        """Delete what is lost, where the bot may."""
        own = OwnFace(self._place.channel)
        while self._lost:
            await self._desk.pacing.free(own.sending)
            try:
                await own.delete(self._lost.pop())
            except PostingFailed as error:
                logger.info("a message could not be taken away", extra={"code": error.code})

    async def _bring_to(self, text: str, row: discord.ui.View | None) -> list[int]:
        """Return the messages that show ``text``; those beyond are deleted."""
        face = await self._face()
        contents = [page.content for page in paginate(text, lead=face.lead)]
        left = list(self._posted)
        ids: list[int] = []
        for index, content in enumerate(contents):
            view = row if index == len(contents) - 1 else None
            changed = await self._change_next(face, left, content, view, alone=not ids)
            if changed is None:
                await self._desk.pacing.free(face.sending)
                changed = await face.send(content, view=view)
            ids.append(changed)
        for extra in left:
            await self._desk.pacing.free(face.sending)
            await face.delete(extra)
        return ids

    async def _change_next(
        self,
        face: Face,
        left: list[int],
        content: str,
        view: discord.ui.View | None,
        *,
        alone: bool,
    ) -> int | None:
        """Change the next message that is still there and return it; ``None`` without one.

        An answer whose every message is gone is not posted anew: somebody wanted it so.
        """
        gone: PostingFailed | None = None
        while left:
            message = left.pop(0)
            await self._desk.pacing.free(face.editing)
            try:
                await face.edit(message, content, view=view)
            except PostingFailed as error:
                if error.obstacle is not Obstacle.MESSAGE:
                    raise
                gone = error
                continue
            return message
        if gone is not None and alone:
            raise gone
        return None

    async def _face(self) -> Face:
        author = self._entry.message.author
        persona = self._desk.persona(author.persona or PersonaId(""))
        return await self._desk.faces.of(self._place, persona, author.display_name)
