"""The buttons under a reminder, found by their custom ids whenever it was sent."""

from __future__ import annotations

from typing import Any

import discord

from frontends.discord.asking import asked, bot_of
from frontends.discord.clicks import Clickable, Clicked
from frontends.discord.posting import SILENT, translated
from services.domain.errors import NotAllowed
from services.reminders.reminder import Snooze
from services.reminders.wording import finished, put_off

Button = discord.ui.Button[Any]

REMINDER_ID = (
    r"acore:remind:(?P<act>10m|1h|morning|done)"
    r":(?P<reminder>[0-9A-Z]{26}):(?P<occurrence>\d+):(?P<owner>\d+)"
)
"""Custom ids of the buttons: what, which occurrence of which reminder, and whose."""

_DONE = "done"
_LABELS = {
    _DONE: "Done",
    Snooze.TEN: "10 min",
    Snooze.HOUR: "1 h",
    Snooze.MORNING: "Tomorrow morning",
}


def reminder_row(reminder: str, occurrence: int, owner: int) -> discord.ui.View:
    """Return the buttons under a reminder."""
    view = discord.ui.View(timeout=None)
    for act, label in _LABELS.items():
        style = discord.ButtonStyle.success if act == _DONE else discord.ButtonStyle.secondary
        name = f"acore:remind:{act}:{reminder}:{occurrence}:{owner}"
        view.add_item(discord.ui.Button(custom_id=name, label=label, style=style))
    view.stop()
    return view


def marks(message: discord.Message, reminder: str, occurrence: int) -> bool:
    """Tell whether a message tells this occurrence of a reminder."""
    wanted = f":{reminder}:{occurrence}:"
    return any(
        wanted in (getattr(child, "custom_id", None) or "")
        for row in message.components
        for child in getattr(row, "children", ())
    )


class ReminderButton(Clickable[Button], template=REMINDER_ID):
    """One of the buttons under a reminder; only its person may press it."""

    async def clicked(self, interaction: Clicked) -> None:
        """Put the reminder off or note that it is done, and take the buttons away."""
        who = await asked(interaction)
        if who.author.id.user != self.parts["owner"]:
            raise NotAllowed("reminder_other", "Only the person reminded can press this.")
        service = bot_of(interaction).services.reminders()
        identity, occurrence = self.parts["reminder"], int(self.parts["occurrence"])
        if self.parts["act"] == _DONE:
            remark = finished(await service.finish_shown(identity, occurrence, by=who.author))
        else:
            how = Snooze(self.parts["act"])
            again = await service.snooze_shown(identity, occurrence, how, by=who.author)
            remark = put_off(again)
        before = interaction.message.content if interaction.message is not None else ""
        async with translated():
            await interaction.response.edit_message(
                content=f"{before}\n-# {remark}", view=None, allowed_mentions=SILENT
            )
