"""Commands for talking to a character."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, asked
from frontends.discord.chatting import Utterance, answer_to, converse, show_words, stop_answer

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_REPLY = "Reply as character"
_LONGEST = 4_000


class ChatCog(commands.Cog):
    """Talking without a mention."""

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot
        self._menu = app_commands.ContextMenu(name=_REPLY, callback=self.reply)

    async def cog_load(self) -> None:
        """Add the command in the menu of messages."""
        self._bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        """Take it away."""
        self._bot.tree.remove_command(self._menu.name, type=self._menu.type)

    @app_commands.command(description="Say something to the character that answers here.")
    @app_commands.describe(message="What you say", file="A picture or other file")
    async def chat(
        self,
        interaction: discord.Interaction[AcoreBot],
        message: app_commands.Range[str, 1, _LONGEST],
        file: discord.Attachment | None = None,
    ) -> None:
        """Have a message answered that is said by command."""
        who = await asked(interaction)
        shown_as = await show_words(interaction, who, message)
        attached = () if file is None else (file,)
        said = Utterance(text=message, attached=attached, shown_as=shown_as)
        await converse(interaction, who, said)

    @app_commands.command(description="Stop the answer that is being written here.")
    async def stop(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Stop the running answer."""
        await answer(interaction, stop_answer(self._bot, await asked(interaction)))

    async def reply(
        self, interaction: discord.Interaction[AcoreBot], message: discord.Message
    ) -> None:
        """Have the character answer a message."""
        await answer_to(interaction, await asked(interaction), message)


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    await bot.add_cog(ChatCog(bot))
