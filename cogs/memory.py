"""Commands about what is remembered of whoever uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.memory_acting import Choices, MemoryActing, MemoryServices
from services.memory.rights.statements import LONGEST_KEY, LONGEST_VALUE

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Key = app_commands.Range[str, 1, LONGEST_KEY]
Value = app_commands.Range[str, 1, LONGEST_VALUE]
Query = app_commands.Range[str, 1, 200]
_cooldown = app_commands.checks.cooldown(10, 30.0)


class MemoryCog(
    commands.GroupCog, group_name="memory", group_description="What I remember of you."
):
    forget = app_commands.Group(name="forget", description="Have something erased.")

    def __init__(self, *, acting: MemoryActing) -> None:
        self._acting = acting

    @app_commands.command(description="See what I know about you, and where I know it from.")
    @_cooldown
    async def show(self, interaction: Interaction) -> None:
        await self._acting.show(interaction)

    @app_commands.command(description="Search your messages and what I know about you.")
    @app_commands.describe(query="Words that all have to occur.")
    @_cooldown
    async def search(self, interaction: Interaction, query: Query) -> None:
        await self._acting.search(interaction, query)

    @app_commands.command(description="Tell me something to remember about you.")
    @app_commands.describe(key="What it is, such as favourite colour.", value="What I should know.")
    @_cooldown
    async def add(self, interaction: Interaction, key: Key, value: Value) -> None:
        await self._acting.add(interaction, key, value)

    @app_commands.command(description="Put right something I know about you.")
    @app_commands.describe(fact="What is wrong.", value="What is right.")
    @_cooldown
    async def correct(self, interaction: Interaction, fact: str, value: Value) -> None:
        await self._acting.correct(interaction, fact, value)

    @app_commands.command(description="Have me always think of something I know about you.")
    @app_commands.describe(fact="What matters.")
    @_cooldown
    async def pin(self, interaction: Interaction, fact: str) -> None:
        await self._acting.pin(interaction, fact, pinned=True)

    @app_commands.command(description="Let something no longer be pinned.")
    @app_commands.describe(fact="What matters no longer.")
    @_cooldown
    async def unpin(self, interaction: Interaction, fact: str) -> None:
        await self._acting.pin(interaction, fact, pinned=False)

    @app_commands.command(description="See what a question would remind the character of here.")
    @app_commands.describe(query="What would be asked.")
    @_cooldown
    async def recall(self, interaction: Interaction, query: Query) -> None:
        await self._acting.recall(interaction, query)

    @app_commands.command(description="Get everything that is kept of you as a file.")
    @app_commands.checks.cooldown(2, 60.0)
    async def export(self, interaction: Interaction) -> None:
        await self._acting.export(interaction)

    @app_commands.command(description="Choose whether I learn about you, and how far I recall it.")
    @_cooldown
    async def privacy(self, interaction: Interaction) -> None:
        await self._acting.privacy(interaction)

    @app_commands.command(description="Read what is stored, for how long, where, and your rights.")
    @_cooldown
    async def notice(self, interaction: Interaction) -> None:
        await self._acting.notice(interaction)

    @forget.command(name="fact", description="Forget one thing I know about you.")
    @app_commands.describe(fact="What is to be forgotten.")
    @_cooldown
    async def forget_fact(self, interaction: Interaction, fact: str) -> None:
        await self._acting.forget_fact(interaction, fact)

    @forget.command(
        name="matching", description="Forget your messages and facts with certain words."
    )
    @app_commands.describe(text="Words that all have to occur; you see what matches first.")
    @_cooldown
    async def forget_matching(self, interaction: Interaction, text: Query) -> None:
        await self._acting.forget_matching(interaction, text)

    @forget.command(name="hearsay", description="Forget what others told about you.")
    @_cooldown
    async def forget_hearsay(self, interaction: Interaction) -> None:
        await self._acting.forget_hearsay(interaction)

    @forget.command(name="me", description="Erase everything that is kept of you, everywhere.")
    @app_commands.checks.cooldown(2, 60.0)
    async def forget_me(self, interaction: Interaction) -> None:
        await self._acting.forget_me(interaction)

    @correct.autocomplete("fact")
    @pin.autocomplete("fact")
    @unpin.autocomplete("fact")
    @forget_fact.autocomplete("fact")
    async def facts(self, interaction: Interaction, typed: str) -> Choices:
        return await self._acting.facts_offered(interaction, typed)


async def setup(bot: AcoreBot) -> None:
    await bot.add_cog(MemoryCog(acting=acting_of(bot)))


def acting_of(bot: AcoreBot) -> MemoryActing:
    services = bot.services
    return MemoryActing(
        MemoryServices(
            rights=services.memory_rights(),
            privacy=services.privacy(),
            notice=services.privacy_notice(),
            reminding=services.reminding(),
            conversations=services.conversations(),
        )
    )
