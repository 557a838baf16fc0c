"""Answering a command where the bot itself may not write."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.desk import Desk
from frontends.discord.places import Place
from frontends.discord.posting import Face, WebhookFace
from services.persona.character import Persona

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_LONGEST_LEAD = 80


def desk_for(interaction: discord.Interaction[AcoreBot]) -> Desk:
    """Return what an answer to a command is shown with.

    In a channel that the bot may not see or write in, it answers through the command itself, which
    Discord allows for 15 minutes; there are no buttons then, for they could change nothing later.
    """
    desk = interaction.client.desk
    if may_write(interaction):
        return desk
    settings = desk.settings.model_copy(update={"buttons": False})
    return replace(desk, faces=FollowupFaces(interaction), settings=settings)


def may_write(interaction: discord.Interaction[Any]) -> bool:
    """Tell whether the bot may write by itself where a command was used."""
    if interaction.guild_id is None:
        return True
    allowed = interaction.app_permissions
    thread = isinstance(interaction.channel, discord.Thread)
    writes = allowed.send_messages_in_threads if thread else allowed.send_messages
    return allowed.view_channel and writes


class FollowupFaces:
    """Lets every character speak through one command."""

    def __init__(self, interaction: discord.Interaction[Any]) -> None:
        self._interaction = interaction

    async def of(self, _place: Place, _persona: Persona | None, name: str) -> Face:
        """Return who speaks for the character called ``name``."""
        lead = f"**{discord.utils.escape_markdown(name[:_LONGEST_LEAD])}:** "
        return WebhookFace(self._interaction.followup, lead=lead)

    def forget(self, _place: Place) -> None:
        """Do nothing: no webhook of ours is used."""
