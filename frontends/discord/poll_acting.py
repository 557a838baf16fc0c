"""What the commands and buttons of polls do, and how polls are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.asking import answer, arrived, asked, bot_of
from frontends.discord.clicks import Clickable, Clicked
from frontends.discord.paging import answer_pages
from frontends.discord.posting import translated
from services.lists.polls import Polls
from services.lists.values import Poll
from services.toolbox.basics.chance import options_in

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

_BAR = 12
_VOTE_ID = r"acore:poll:(?P<poll>\d{1,9}):(?P<option>\d{1,2})"


class VoteButton(Clickable[discord.ui.Button[Any]], template=_VOTE_ID):
    """Votes; everybody sees how the poll stands."""

    async def clicked(self, interaction: Clicked) -> None:
        """Count the vote, or take it back."""
        who = await arrived(interaction)
        poll = (
            await bot_of(interaction)
            .services.polls()
            .vote(
                int(self.parts["poll"]),
                int(self.parts["option"]),
                by=who.author,
                where=who.conversation,
            )
        )
        async with translated():
            await interaction.response.edit_message(content=shown(poll), view=ballot(poll))


class PollActing:
    """Does what commands ask for."""

    def __init__(self, polls: Polls) -> None:
        self._polls = polls

    async def ask(
        self, interaction: Interaction, question: str, options: str, *, several: bool
    ) -> None:
        """Ask everybody."""
        who = await arrived(interaction)
        poll = await self._polls.ask(
            question, options_in(options), by=who.author, where=who.conversation, several=several
        )
        await answer(interaction, shown(poll), private=False, view=ballot(poll))

    async def show(self, interaction: Interaction, number: int) -> None:
        """Show a poll with its buttons."""
        who = await asked(interaction)
        poll = await self._polls.show(number, where=who.conversation)
        view = None if poll.closed_at is not None else ballot(poll)
        await answer(interaction, shown(poll), private=False, view=view)

    async def close(self, interaction: Interaction, number: int) -> None:
        """Count for good."""
        who = await asked(interaction)
        poll = await self._polls.close(number, by=who.author, role=who.role, where=who.conversation)
        await answer(interaction, shown(poll), private=False)

    async def listed(self, interaction: Interaction) -> None:
        """List polls."""
        who = await asked(interaction)
        polls = await self._polls.listed(where=who.conversation)
        await answer_pages(interaction, (_headed(poll) for poll in polls))


def ballot(poll: Poll) -> discord.ui.View:
    """Return a button for each option."""
    view = discord.ui.View(timeout=None)
    for number, option in enumerate(poll.options, 1):
        view.add_item(
            discord.ui.Button(
                custom_id=f"acore:poll:{poll.number}:{number}",
                label=option[:80],
                row=(number - 1) // 5,
            )
        )
    view.stop()
    return view


def shown(poll: Poll) -> str:
    """Return a poll with a bar for each option."""
    total = max(sum(poll.votes), 1)
    lines = [_headed(poll)]
    for option, count in zip(poll.options, poll.votes, strict=True):
        full = round(_BAR * count / total)
        bar = "█" * full + "░" * (_BAR - full)
        lines.append(f"`{bar}` {count} {discord.utils.escape_markdown(option)}")
    rule = "several options each" if poll.several else "one option each"
    lines.append(f"-# {poll.people} voted; {rule}")
    return "\n".join(lines)


def _headed(poll: Poll) -> str:
    closed = " (closed)" if poll.closed_at is not None else ""
    return f"**{poll.number}. {discord.utils.escape_markdown(poll.question)}**{closed}"
