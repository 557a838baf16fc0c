"""Conversations as files that people get and send."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Literal

import discord

from frontends.discord.asking import Asked
from frontends.discord.card_commands import check_upload
from services.conversation.transcripts.exporting import Form
from services.conversation.transcripts.importer import Importer, ImportReport
from services.conversation.transcripts.transcript import LARGEST_BYTES
from services.domain.people import Role

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Used = discord.Interaction[AcoreBot]

ChatForm = Literal["sillytavern", "json", "markdown"]
"""What the option is called; each is a ``Form``."""

_SUFFIXES: dict[Form, str] = {"sillytavern": "jsonl", "json": "json", "markdown": "md"}


async def exported(interaction: Used, who: Asked, form: ChatForm) -> discord.File:
    """Return what somebody witnessed of a conversation as a file.

    Raises ``NotFound`` when that is nothing, ``InvalidRequest`` when it is too large to be sent.
    """
    text = await interaction.client.services.chat_export().export(
        who.conversation, by=who.author.id, role=who.role, form=form
    )
    content = text.encode("utf-8", "replace")
    check_upload(interaction, len(content))
    return discord.File(io.BytesIO(content), filename=f"conversation.{_SUFFIXES[form]}")


async def take_in(interaction: Used, who: Asked, file: discord.Attachment) -> ImportReport:
    """Store an attached chat; its user is whoever sends it, and nobody else in it an account.

    Raises what ``Attachments.read`` and ``ChatImport`` do.
    """
    services = interaction.client.services
    data = await interaction.client.attachments.read(file, most_bytes=LARGEST_BYTES)
    chats = services.chat_import()
    transcript = await asyncio.to_thread(chats.read, data)
    persona = await services.conversations().persona_of(who.conversation)
    by = Importer(author=who.author, role=min(who.role, Role.ADMIN), persona=persona.id)
    report = await chats.take_in(transcript, who.conversation, by=by)
    services.conversations().forget((who.conversation,), ())
    return report
