"""Commands about the conversation that is held in a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord import choosing
from frontends.discord import conversation_views as views
from frontends.discord.asking import answer, asked
from frontends.discord.chatting import stop_answer
from frontends.discord.paging import answer_pages
from frontends.discord.scene_commands import SceneCommands
from frontends.discord.transcript_files import ChatForm, exported, take_in
from services.conversation.branches import Branches
from services.conversation.service import ConversationService
from services.domain.people import Role

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_MOST_SHOWN = 100


class ConversationCog(
    commands.GroupCog, group_name="conversation", group_description="What is said here."
):
    """Going back, starting anew, taking out and bringing in what was said."""

    def __init__(
        self, bot: AcoreBot, *, conversations: ConversationService, branches: Branches
    ) -> None:
        self._bot = bot
        self._conversations = conversations
        self._branches = branches
        assert self.app_command is not None  # noqa: S101  a group has one
        self.app_command.add_command(SceneCommands(conversations))

    @app_commands.command(name="reset", description="Start anew; what was said stays stored.")
    async def reset(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Begin an empty conversation."""
        who = await asked(interaction)
        who.need(Role.MODERATOR)
        await interaction.response.defer()
        await self._conversations.reset(who.conversation, by=who.author)
        await answer(interaction, "The conversation starts anew.", private=False)

    @app_commands.command(name="end", description="Stop the answer and let the session rest.")
    async def end(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Leave the running session."""
        who = await asked(interaction)
        stop_answer(self._bot, who)
        self._conversations.forget((who.conversation,), ())
        await answer(interaction, "The session has ended; what was said is kept.")

    @app_commands.command(name="export", description="Get what you witnessed here as a file.")
    @app_commands.describe(format="The form of the file")
    @app_commands.checks.cooldown(5, 60.0)
    async def export(
        self,
        interaction: discord.Interaction[AcoreBot],
        format: ChatForm = "sillytavern",  # noqa: A002  what the option is called
    ) -> None:
        """Give the conversation out."""
        who = await asked(interaction)
        await interaction.response.defer(ephemeral=True)
        file = await exported(interaction, who, format)
        await answer(interaction, "Here is the conversation.", files=[file])

    @app_commands.command(name="import", description="Take a chat in, as imported text.")
    @app_commands.describe(file="A chat of SillyTavern (JSONL), or an exported conversation (JSON)")
    async def import_chat(
        self, interaction: discord.Interaction[AcoreBot], file: discord.Attachment
    ) -> None:
        """Bring a conversation in."""
        who = await asked(interaction)
        who.need(Role.MODERATOR)
        await interaction.response.defer(ephemeral=True)
        await answer(interaction, views.import_lines(await take_in(interaction, who, file)))

    @app_commands.command(name="history", description="Show the last messages with their numbers.")
    @app_commands.describe(count="How many messages")
    async def history(
        self,
        interaction: discord.Interaction[AcoreBot],
        count: app_commands.Range[int, 1, _MOST_SHOWN] = 20,
    ) -> None:
        """Show what was said."""
        who = await asked(interaction)
        choosing.need_reading(interaction)
        entries = await self._conversations.recent(who.conversation, count)
        await answer_pages(interaction, await views.history_lines(interaction, who, entries))

    @app_commands.command(name="branch", description="Go on from an earlier message.")
    @app_commands.describe(number="Its number; /conversation history shows them")
    @app_commands.autocomplete(number=choosing.message_numbers)
    async def branch(self, interaction: discord.Interaction[AcoreBot], number: int) -> None:
        """Go back in the conversation, or over to another branch."""
        who = await asked(interaction)
        who.need(Role.MODERATOR)
        await interaction.response.defer()
        entry = await self._conversations.branch(who.conversation, number, by=who.author)
        [line] = await views.history_lines(interaction, who, [entry])
        await answer(interaction, f"The conversation goes on from {line}", private=False)

    @app_commands.command(name="branches", description="Show where the branches end.")
    async def branches(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """List the branches."""
        who = await asked(interaction)
        choosing.need_reading(interaction)
        leaves = await self._branches.of(who.conversation)
        await answer_pages(interaction, views.branch_lines(leaves))

    @app_commands.command(name="undo", description="Take back the last exchange.")
    async def undo(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Take the last message and its answer off the conversation."""
        who = await asked(interaction)
        who.need(Role.MODERATOR)
        await interaction.response.defer()
        undone = await self._conversations.undo(who.conversation, by=who.author)
        lines = await views.history_lines(interaction, who, undone)
        await answer(interaction, "\n".join(["Taken back:", *lines]), private=False)

    @app_commands.command(name="greet", description="Have the character open the conversation.")
    @app_commands.checks.cooldown(5, 60.0)
    async def greet(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Post the greeting of the character that answers here."""
        who = await asked(interaction)
        await interaction.response.defer(ephemeral=True)
        name = await views.post_greeting(interaction, who)
        await answer(interaction, f"{name} opens the conversation; ▶ shows other greetings.")


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    services = bot.services
    cog = ConversationCog(bot, conversations=services.conversations(), branches=services.branches())
    await bot.add_cog(cog)
