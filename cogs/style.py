"""Commands about how somebody would like to be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.asking import answer, arrived, asked
from frontends.discord.posting import translated
from frontends.discord.style_form import StyleForm, style_text
from services.people.answer_style import PRESETS, AnswerStyles

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

_PRESETS = [app_commands.Choice(name=name, value=name) for name in PRESETS]
_cooldown = app_commands.checks.cooldown(10, 30.0)


class StyleCog(
    commands.GroupCog, group_name="style", group_description="How you would like to be answered."
):
    """One wish per person, kept by every character."""

    def __init__(self, *, styles: AnswerStyles) -> None:
        self._styles = styles

    @app_commands.command(name="set", description="Say in your own words how to answer you.")
    @_cooldown
    async def choose(self, interaction: Interaction) -> None:
        who = await arrived(interaction)
        held = await self._styles.of(who.author.id)
        async with translated():
            await interaction.response.send_modal(StyleForm(self._styles, who.author.id, held))

    @app_commands.command(description="Choose a ready way of being answered.")
    @app_commands.describe(name="Which one.")
    @app_commands.choices(name=_PRESETS)
    @_cooldown
    async def preset(self, interaction: Interaction, name: str) -> None:
        who = await arrived(interaction)
        await answer(interaction, style_text(await self._styles.preset(who.author.id, name)))

    @app_commands.command(description="Show how you are answered.")
    @_cooldown
    async def show(self, interaction: Interaction) -> None:
        who = await asked(interaction)
        await answer(interaction, style_text(await self._styles.of(who.author.id)))

    @app_commands.command(description="Be answered as each character likes.")
    @_cooldown
    async def clear(self, interaction: Interaction) -> None:
        who = await arrived(interaction)
        await self._styles.clear(who.author.id)
        await answer(interaction, style_text(None))


async def setup(bot: AcoreBot) -> None:
    await bot.add_cog(StyleCog(styles=bot.services.answer_styles()))
