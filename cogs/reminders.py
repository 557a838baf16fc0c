"""Commands about reminders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.places import PLATFORM
from frontends.discord.reminder_acting import (
    ReminderActing,
    ReminderServices,
    reminder_numbers,
)
from frontends.discord.reminder_buttons import ReminderButton
from frontends.discord.reminder_post import DiscordReminders
from services.reminders.posts import ReminderPosts

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Text = app_commands.Range[str, 1, 1000]
Number = app_commands.Range[int, 1, 1_000_000]
_cooldown = app_commands.checks.cooldown(10, 30.0)


class RemindersCog(commands.Cog):
    """Takes reminders, and tells them for as long as the bot is there."""

    def __init__(
        self, *, acting: ReminderActing, posts: ReminderPosts, post: DiscordReminders
    ) -> None:
        self._acting = acting
        self._posts = posts
        self._post = post

    async def cog_unload(self) -> None:
        self._posts.withdraw(PLATFORM, self._post)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        self._posts.register(PLATFORM, self._post)

    @app_commands.command(description="Be reminded of something.")
    @app_commands.describe(
        text='What and when, such as "tomorrow at 9am call mum".',
        private="Whether I tell you in private instead of here.",
    )
    @_cooldown
    async def remind(self, interaction: Interaction, text: Text, *, private: bool = False) -> None:
        await self._acting.remind(interaction, text, private=private)

    @app_commands.command(description="List your reminders.")
    @_cooldown
    async def reminders(self, interaction: Interaction) -> None:
        await self._acting.known(interaction)

    @app_commands.command(description="Give one of your reminders another time and text.")
    @app_commands.describe(id="The reminder.", text='What and when, such as "at 5pm feed the cat".')
    @app_commands.autocomplete(id=reminder_numbers)
    @_cooldown
    async def change_reminder(self, interaction: Interaction, id: Number, text: Text) -> None:  # noqa: A002  what people type
        await self._acting.change(interaction, id, text)

    @app_commands.command(description="Cancel one of your reminders.")
    @app_commands.describe(id="The reminder.")
    @app_commands.autocomplete(id=reminder_numbers)
    @_cooldown
    async def cancel_reminder(self, interaction: Interaction, id: Number) -> None:  # noqa: A002  what people type
        await self._acting.cancel(interaction, id)

    @app_commands.command(description="Cancel all your reminders.")
    @_cooldown
    async def clear_reminders(self, interaction: Interaction) -> None:
        await self._acting.clear(interaction)


async def setup(bot: AcoreBot) -> None:
    services = bot.services
    bot.add_dynamic_items(ReminderButton)
    acting = ReminderActing(
        ReminderServices(reminders=services.reminders(), conversations=services.conversations)
    )
    posts = services.reminder_posts()
    await bot.add_cog(RemindersCog(acting=acting, posts=posts, post=DiscordReminders(bot)))
