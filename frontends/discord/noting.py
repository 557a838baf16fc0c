"""Notes that people make about others, who have to agree first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from frontends.discord.asking import answer, asked
from frontends.discord.memory_acting import MemoryActing
from frontends.discord.memory_text import shown
from frontends.discord.places import author_of
from frontends.discord.privacy_views import Consent
from services.domain.errors import InvalidRequest
from services.memory.rights.service import MemoryRights, Requester
from services.memory.rights.statements import LONGEST_VALUE, finding_in
from services.people.arrivals import Arrivals

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot


class Noting:
    """Keeps a note once the person it is about has agreed; it is their own fact from then on.

    Until they do it stands in the channel alone: nothing is stored, and after ten minutes nobody
    can agree any more.
    """

    def __init__(self, acting: MemoryActing, *, rights: MemoryRights, arrivals: Arrivals) -> None:
        self._acting = acting
        self._rights = rights
        self._arrivals = arrivals

    async def note(
        self, interaction: discord.Interaction[AcoreBot], user: discord.Member, text: str
    ) -> None:
        """Ask ``user``. Raises ``InvalidRequest`` for a note nobody should keep, or a machine."""
        who = await asked(interaction)
        if user.bot:
            raise InvalidRequest("note_machine", "Notes are about people, and that is a bot.")
        statement = await self._acting.statement(who, text, name=user.display_name)
        finding_in(statement)
        about = author_of(user)

        async def keep() -> None:
            await self._arrivals.note(about)
            await self._rights.add(Requester(account=about.id), statement)

        if about.id == who.author.id:
            await keep()
            await answer(interaction, "I will remember that.")
            return
        await answer(
            interaction,
            f"{user.mention}, {shown(who.author.display_name)} would like this to be remembered "
            f"of you:\n> {shown(text, longest=LONGEST_VALUE)}\n"
            "-# Nothing is stored unless you allow it.",
            private=False,
            view=Consent(interaction, user, keep),
        )
