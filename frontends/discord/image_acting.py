"""What the commands for pictures do."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import discord

from frontends.discord.asking import Asked, answer
from frontends.discord.chatting import Utterance, converse, quotation
from frontends.discord.posting import translated
from services.conversation.screenshots import GameHelp
from services.images.service import ImageService, PictureWish
from services.images.sound import MOST_BYTES

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Used = discord.Interaction[AcoreBot]


async def make_picture(
    interaction: Used,
    who: Asked,
    images: ImageService,
    prompt: str,
    start: discord.Attachment | None,
) -> None:
    """Have a picture made and show it with the words it was asked for with.

    Raises what ``ImageService.make`` does, and ``InvalidRequest`` for a start that cannot be read.
    """
    async with translated():
        await interaction.response.defer()
    given = None
    if start is not None:
        given = await interaction.client.attachments.read(start, most_bytes=MOST_BYTES)
    made = await images.make(
        PictureWish(prompt=prompt, by=who.author.id, place=who.conversation, start=given)
    )
    file = discord.File(io.BytesIO(made.content), filename=made.name)
    words = quotation(who.author.display_name, prompt)
    await answer(interaction, words, private=False, files=[file])


async def help_with_game(
    interaction: Used,
    who: Asked,
    game_help: GameHelp,
    screenshot: discord.Attachment,
    question: str,
) -> None:
    """Show the screenshot with the question, and have the character answer both.

    Raises ``InvalidRequest`` for what is no picture or where nobody could see it, and what
    ``ConversationService.receive`` does.
    """
    async with translated():
        await interaction.response.defer()
    content = await interaction.client.attachments.read(screenshot, most_bytes=MOST_BYTES)
    said = await game_help.question(content, question, place=who.conversation)
    file = discord.File(io.BytesIO(content), filename=screenshot.filename)
    await answer(interaction, quotation(who.author.display_name, said), private=False, files=[file])
    await converse(interaction, who, Utterance(text=said, attached=(screenshot,)))
