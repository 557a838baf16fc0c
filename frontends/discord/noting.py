"""Notes that people make about others, who have to agree first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.asking import answer, arrived, asked, bot_of
from frontends.discord.clicks import Clickable, Clicked
from frontends.discord.confirming import close
from frontends.discord.memory_acting import MemoryActing
from frontends.discord.memory_text import shown
from frontends.discord.places import account, author_of
from services.domain.errors import NotAllowed
from services.memory.rights.statements import LONGEST_VALUE
from services.profiles.proposals import Proposal, Proposals

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_NOTE_ID = r"acore:note:(?P<act>yes|no):(?P<about>\d+):(?P<number>\d{1,9}):(?P<stamp>\d{1,12})"


class NoteButton(Clickable[discord.ui.Button[Any]], template=_NOTE_ID):
    """Says yes or no to a note; only the person it is about may, others withdraw their own."""

    async def clicked(self, interaction: Clicked) -> None:
        """Remember the note, or not."""
        who = await arrived(interaction)
        proposals = bot_of(interaction).services.proposals()
        about, no = self.parts["about"], self.parts["act"] == "no"
        number, stamp = int(self.parts["number"]), int(self.parts["stamp"])
        if who.author.id.user == about:
            if no:
                await proposals.decline(number, stamp=stamp, by=who.author)
                await close(interaction, "Nothing was stored.")
                return
            await proposals.accept(number, stamp=stamp, by=who.author)
            name = shown(who.author.display_name)
            await close(
                interaction,
                f"{name} agreed; it is remembered. "
                "/memory show and /memory forget are theirs to use.",
            )
            return
        if not no:
            raise NotAllowed("note_other", "Only the person it is about can decide that.")
        await proposals.withdraw(number, stamp=stamp, about=account(int(about)), by=who.author)
        await close(interaction, "Nothing was stored.")


class Noting:
    """Proposes a note to the person it is about; it is their own fact once they agree.

    Buttons stand for seven days, also when the bot restarts.
    """

    def __init__(self, acting: MemoryActing, *, proposals: Proposals) -> None:
        self._acting = acting
        self._proposals = proposals

    async def note(
        self, interaction: discord.Interaction[AcoreBot], user: discord.Member, text: str
    ) -> None:
        """Ask ``user``. Raises what ``Proposals.propose`` raises."""
        who = await asked(interaction)
        statement = await self._acting.statement(who, text, name=user.display_name)
        kept = await self._proposals.propose(statement, about=author_of(user), by=who.author)
        if not isinstance(kept, Proposal):
            await answer(interaction, "I will remember that.")
            return
        until = discord.utils.format_dt(kept.until, "R")
        await answer(
            interaction,
            f"{user.mention}, {shown(who.author.display_name)} would like this to be remembered "
            f"of you:\n> {shown(text, longest=LONGEST_VALUE)}\n"
            f"-# Nothing is stored as a fact unless you allow it; the question expires {until}.",
            private=False,
            view=_buttons(kept),
        )


def _buttons(proposal: Proposal) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    kinds = (("yes", "Allow", discord.ButtonStyle.success), ("no", "No", None))
    for act, label, style in kinds:
        name = f"acore:note:{act}:{proposal.about.user}:{proposal.number}:{proposal.stamp}"
        view.add_item(
            discord.ui.Button(
                custom_id=name, label=label, style=style or discord.ButtonStyle.secondary
            )
        )
    view.stop()
    return view
