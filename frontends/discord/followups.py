"""Answering a command where the bot itself may not write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.desk import Desk
from frontends.discord.pacing import Bucket
from frontends.discord.places import Place
from frontends.discord.posting import SILENT, Face, Obstacle, PostingFailed, translated
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
        return FollowupFace(self._interaction, lead=lead)

    def forget(self, _place: Place) -> None:
        """Do nothing: no webhook of ours is used."""


class FollowupFace:
    """The bot, answering a command."""

    def __init__(self, interaction: discord.Interaction[Any], *, lead: str) -> None:
        self._followup = interaction.followup
        self.lead = lead
        self.sending = self.editing = Bucket(f"interaction:{interaction.id}", shared=False)

    async def send(
        self,
        content: str,
        *,
        view: discord.ui.View | None = None,
        reply_to: int | None = None,
        nonce: str | None = None,
        files: Sequence[discord.File] = (),
    ) -> int:
        """Post a message for everybody."""
        more: dict[str, Any] = {} if view is None else {"view": _passive(view)}
        if files:
            more["files"] = list(files)
        async with translated():
            message = await self._followup.send(
                content or discord.utils.MISSING,
                allowed_mentions=SILENT,
                suppress_embeds=True,
                wait=True,
                **more,
            )
        return message.id

    async def edit(self, message: int, content: str, *, view: discord.ui.View | None) -> None:
        """Change one of these messages."""
        async with translated():
            await self._followup.edit_message(
                message, content=content, view=_passive(view), allowed_mentions=SILENT
            )

    async def delete(self, message: int) -> None:
        """Delete one of these messages."""
        try:
            async with translated():
                await self._followup.delete_message(message)
        except PostingFailed as error:
            if error.obstacle is not Obstacle.MESSAGE:
                raise


def _passive(view: discord.ui.View | None) -> discord.ui.View | None:
    """Clicks are found by their custom ids; discord.py need not hold the view."""
    if view is not None:
        view.stop()
    return view
