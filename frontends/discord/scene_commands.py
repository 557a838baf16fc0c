"""The commands of /conversation scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from frontends.discord import choosing
from frontends.discord.asking import Asked, answer, asked
from frontends.discord.conversation_views import scene_lines
from frontends.discord.delivery import DiscordDelivery
from frontends.discord.followups import desk_for
from services.conversation.scenes import CardMode, SceneChange, SceneMemory
from services.conversation.service import ConversationService
from services.persona.activation import Activation

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot


class SceneCommands(app_commands.Group):
    """Several characters in one conversation."""

    def __init__(self, conversations: ConversationService) -> None:
        super().__init__(name="scene", description="Several characters in one conversation.")
        self._conversations = conversations

    @app_commands.command(name="join", description="Let a character take part here.")
    @app_commands.describe(name="The character")
    @app_commands.autocomplete(name=choosing.characters_here)
    async def join(self, interaction: discord.Interaction[AcoreBot], name: str) -> None:
        """Open a scene, or widen it."""
        await self._change(interaction, SceneChange(join=name))

    @app_commands.command(name="leave", description="Let a character leave the scene.")
    @app_commands.describe(name="The character")
    @app_commands.autocomplete(name=choosing.scene_members)
    async def leave(self, interaction: discord.Interaction[AcoreBot], name: str) -> None:
        """Narrow the scene, or close it."""
        await self._change(interaction, SceneChange(leave=name))

    @app_commands.command(name="rules", description="Choose how the scene goes.")
    @app_commands.describe(
        turns="Who answers a message",
        cards="Whose cards the model reads",
        memory="What characters know of what was said",
        self_reply="Whether a character may answer itself",
    )
    async def rules(
        self,
        interaction: discord.Interaction[AcoreBot],
        turns: Activation | None = None,
        cards: CardMode | None = None,
        memory: SceneMemory | None = None,
        *,
        self_reply: bool | None = None,
    ) -> None:
        """Change how turns are taken."""
        change = SceneChange(mode=turns, cards=cards, memory=memory, self_reply=self_reply)
        await self._change(interaction, change)

    @app_commands.command(name="list", description="Show who takes part here.")
    async def members(self, interaction: discord.Interaction[AcoreBot]) -> None:
        """Show the scene."""
        who = await asked(interaction)
        await answer(interaction, scene_lines(await self._conversations.scene(who.conversation)))

    @app_commands.command(name="speak", description="Have a character of the scene say something.")
    @app_commands.describe(name="The character; without one the scene decides")
    @app_commands.autocomplete(name=choosing.scene_members)
    async def speak(self, interaction: discord.Interaction[AcoreBot], name: str = "") -> None:
        """Let somebody speak unprompted."""
        who = await asked(interaction)
        await interaction.response.defer(ephemeral=True)
        receipt = await self._conversations.speak(
            who.conversation, name, self._delivery(interaction, who), by=who.author, role=who.role
        )
        await answer(interaction, "Somebody speaks.")
        await receipt.outcome()

    def _delivery(self, interaction: discord.Interaction[AcoreBot], who: Asked) -> DiscordDelivery:
        return DiscordDelivery(desk_for(interaction), who.place, asker=who.author)

    async def _change(
        self, interaction: discord.Interaction[AcoreBot], change: SceneChange
    ) -> None:
        who = await asked(interaction)
        await interaction.response.defer()
        cast = await self._conversations.change_scene(
            who.conversation, change, by=who.author, role=who.role, private=who.place.private
        )
        await answer(interaction, scene_lines(cast), private=False)
