"""An answer that stands in a channel and is changed without being generated."""

from __future__ import annotations

from collections.abc import Sequence

from frontends.discord.buttons import Versions, answer_row
from frontends.discord.desk import Desk
from frontends.discord.pages import paginate
from frontends.discord.places import Place
from frontends.discord.posting import Face
from frontends.discord.sink import Posted
from services.domain.ids import PersonaId
from services.domain.messages import HistoryEntry


class StandingAnswer:
    """The messages of a stored answer. Raises ``PostingFailed``."""

    def __init__(
        self,
        desk: Desk,
        place: Place,
        entry: HistoryEntry,
        *,
        posted: Sequence[Posted],
        asker: int,
    ) -> None:
        self._desk = desk
        self._place = place
        self._entry = entry
        self._posted = list(posted)
        self._asker = asker

    async def show(self, text: str, versions: Versions) -> None:
        """Let the messages say ``text``; there are more or fewer of them then."""
        face = await self._face()
        row = None
        if self._desk.settings.buttons:
            row = answer_row(self._entry.message.id, self._asker, versions)
        contents = [page.content for page in paginate(text, lead=face.lead)]
        ids = []
        for index, content in enumerate(contents):
            view = row if index == len(contents) - 1 else None
            if index < len(self._posted):
                ids.append(self._posted[index].id)
                await self._desk.pacing.free(face.editing)
                await face.edit(ids[-1], content, view=view)
            else:
                await self._desk.pacing.free(face.sending)
                ids.append(await face.send(content, view=view))
        for extra in self._posted[len(contents) :]:
            await self._desk.pacing.free(face.sending)
            await face.delete(extra.id)
        await self._desk.conversations.published(self._entry.message.id, [str(one) for one in ids])

    async def delete(self) -> None:
        """Take all messages away."""
        face = await self._face()
        for one in self._posted:
            await self._desk.pacing.free(face.sending)
            await face.delete(one.id)

    async def _face(self) -> Face:
        author = self._entry.message.author
        persona = self._desk.persona(author.persona or PersonaId(""))
        return await self._desk.faces.of(self._place, persona, author.display_name)
