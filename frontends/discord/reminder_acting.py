"""What commands about reminders do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from frontends.discord.asking import Asked, answer, arrived, asked
from frontends.discord.choosing import MOST
from frontends.discord.confirming import Confirmation, Interaction, close
from frontends.discord.paging import answer_pages
from services.conversation.service import ConversationService
from services.domain.errors import AcoreError
from services.reminders.service import Reminders, Request
from services.reminders.wording import confirmation, line, listing, shortened

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Typing = discord.Interaction[AcoreBot]

_ZONE_COMMAND = "/me timezone"
_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderServices:
    """What reminder commands call."""

    reminders: Reminders
    conversations: Callable[[], ConversationService]


class ReminderActing:
    """Takes, shows and cancels reminders; only their person sees the answers.

    Raises what the services raise.
    """

    def __init__(self, services: ReminderServices) -> None:
        self._reminders = services.reminders
        self._conversations = services.conversations

    async def remind(self, interaction: Interaction, text: str, *, private: bool) -> None:
        """Take a reminder."""
        who = await arrived(interaction)
        request = await self._request(who, text, private=private)
        made = await self._reminders.create(request, by=who.author)
        await answer(interaction, escaped(confirmation(made, zone_command=_ZONE_COMMAND)))

    async def change(self, interaction: Interaction, number: int, text: str) -> None:
        """Give a reminder another moment and text."""
        who = await arrived(interaction)
        request = await self._request(who, text, private=False)
        made = await self._reminders.change(number, request, by=who.author)
        await answer(interaction, escaped(confirmation(made, zone_command=_ZONE_COMMAND)))

    async def known(self, interaction: Interaction) -> None:
        """List the person's reminders."""
        who = await asked(interaction)
        found = await self._reminders.listed(by=who.author)
        lines = [escaped(one) for one in listing(found)]
        await answer_pages(interaction, lines or ["You have no reminders; /remind makes one."])

    async def cancel(self, interaction: Interaction, number: int) -> None:
        """Delete a reminder."""
        who = await asked(interaction)
        gone = await self._reminders.cancel(number, by=who.author)
        await answer(interaction, escaped(f"Cancelled #{gone.number}: {shortened(gone.text)}"))

    async def clear(self, interaction: Interaction) -> None:
        """Ask whether all reminders are to be deleted."""
        who = await asked(interaction)
        count = len(await self._reminders.listed(by=who.author))
        if not count:
            await answer(interaction, "You have no reminders.")
            return

        async def confirmed(click: Interaction) -> None:
            cleared = await self._reminders.clear(by=who.author)
            await close(click, f"Cancelled: {cleared}.")

        view = Confirmation(interaction, "Cancel all", confirmed)
        await answer(interaction, f"Reminders that would be cancelled: {count}.", view=view)

    async def _request(self, who: Asked, text: str, *, private: bool) -> Request:
        persona = await self._conversations().persona_of(who.conversation)
        return Request(
            text=text, conversation=who.conversation, persona=persona.id, private=private
        )


async def reminder_numbers(interaction: Typing, typed: str) -> list[app_commands.Choice[int]]:
    """Offer the person's reminders by number."""
    try:
        who = await asked(interaction)
    except AcoreError:
        return []
    wanted = str(typed).strip().casefold()
    known = await interaction.client.services.reminders().listed(by=who.author)
    found = [(line(one), one.number) for one in known]
    first = [one for one in found if one[0].casefold().startswith(f"#{wanted}")]
    later = [one for one in found if one not in first and wanted in one[0].casefold()]
    return [
        app_commands.Choice(name=label[:_LONGEST], value=number)
        for label, number in [*first, *later][:MOST]
    ]


def escaped(text: str) -> str:
    """Return text in which nothing is formatting."""
    return discord.utils.escape_markdown(text)
