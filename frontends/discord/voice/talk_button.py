"""The button that is held to be listened to."""

from __future__ import annotations

from typing import Any

import discord

from frontends.discord.asking import answer, asked, bot_of
from frontends.discord.clicks import Clickable, Clicked
from services.domain.errors import InvalidRequest

TALK_ID = r"acore:talk:(?P<channel>\d+)"
"""Custom id of the button; Discord knows no held buttons, so one press holds it."""

_ELSEWHERE = "Join the voice channel first; this button is for those who talk there."
_HELD = "I listen to you until you have said it. Press again to end it sooner."
_RELEASED = "I do not listen to you now."


def talk_row(channel: int) -> discord.ui.View:
    """Return the button for a voice channel."""
    view = discord.ui.View(timeout=None)
    view.add_item(
        discord.ui.Button(
            custom_id=f"acore:talk:{channel}",
            label="Talk",
            emoji="🎙️",
            style=discord.ButtonStyle.primary,
        )
    )
    return view


class TalkButton(Clickable[discord.ui.Button[Any]], template=TALK_ID):
    """Pressed, whoever pressed it is listened to until their turn is over."""

    async def clicked(self, interaction: Clicked) -> None:
        """Listen to whoever clicked, or no longer."""
        who = await asked(interaction)
        held = bot_of(interaction).calls.find(interaction.guild_id or 0)
        channel = int(self.parts["channel"])
        if (
            held is None
            or held.channel.id != channel
            or not held.presence.holds(interaction.user.id)
        ):
            raise InvalidRequest("voice_elsewhere", _ELSEWHERE)
        await answer(interaction, _HELD if held.keys.press(who.author.id) else _RELEASED)
