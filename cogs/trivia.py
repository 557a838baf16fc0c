"""Commands for trivia."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.choosing import ranked
from frontends.discord.places import PLATFORM
from frontends.discord.trivia_acting import AnswerButton, DiscordBoard, TriviaActing
from services.games.boards import Boards
from services.games.questions import CATEGORIES, MOST_QUESTIONS

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Level = Literal["any", "easy", "medium", "hard"]
Count = app_commands.Range[int, 1, MOST_QUESTIONS]
_cooldown = app_commands.checks.cooldown(10, 30.0)


class TriviaCog(commands.GroupCog, group_name="trivia", group_description="Questions to answer."):
    """Questions that everybody in a channel answers by buttons."""

    def __init__(self, *, acting: TriviaActing, boards: Boards, board: DiscordBoard) -> None:
        self._acting = acting
        self._boards = boards
        self._board = board

    async def cog_unload(self) -> None:
        self._boards.withdraw(PLATFORM, self._board)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        self._boards.register(PLATFORM, self._board)

    @app_commands.command(description="Start a game of trivia here.")
    @app_commands.describe(
        category="What the questions are about; anything without it.",
        difficulty="How hard they are.",
        count="How many there are.",
    )
    @app_commands.checks.cooldown(3, 60.0)
    async def start(
        self,
        interaction: Interaction,
        category: str = "any",
        difficulty: Level = "any",
        count: Count = 10,
    ) -> None:
        await self._acting.start(interaction, category, difficulty, count)

    @app_commands.command(description="Play in the game here, so that questions wait for you.")
    @_cooldown
    async def join(self, interaction: Interaction) -> None:
        await self._acting.join(interaction)

    @app_commands.command(description="End the game here.")
    @_cooldown
    async def end(self, interaction: Interaction) -> None:
        await self._acting.end(interaction)

    @app_commands.command(description="Show who is best at trivia here.")
    @_cooldown
    async def leaderboard(self, interaction: Interaction) -> None:
        await self._acting.leaderboard(interaction)

    @app_commands.command(description="Show how you do at trivia here.")
    @_cooldown
    async def stats(self, interaction: Interaction) -> None:
        await self._acting.stats(interaction)

    @app_commands.command(description="Show what questions of trivia are about.")
    @_cooldown
    async def categories(self, interaction: Interaction) -> None:
        await self._acting.categories(interaction)

    @start.autocomplete("category")
    async def kinds(self, _: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return ranked(typed, [(name, word) for word, name in CATEGORIES.items()])


async def setup(bot: AcoreBot) -> None:
    bot.add_dynamic_items(AnswerButton)
    services = bot.services
    await bot.add_cog(
        TriviaCog(
            acting=TriviaActing(services.trivia()),
            boards=services.boards(),
            board=DiscordBoard(bot),
        )
    )
