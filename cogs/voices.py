"""Commands for how characters sound, and short ways into calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.choosing import characters
from frontends.discord.voice.voice_acting import VoiceActing
from frontends.discord.voice.voice_views import VoiceChoosing
from services.voice.voices import FASTEST, HIGHEST, LOWEST, SLOWEST, ChosenVoice

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

Interaction = discord.Interaction[Any]

_LONGEST = 1_000
_Speed = app_commands.Range[float, SLOWEST, FASTEST]
_Pitch = app_commands.Range[float, LOWEST, HIGHEST]


class VoicesCog(commands.Cog, name="Voices"):
    """How characters sound, and short ways into calls."""

    def __init__(self, *, acting: VoiceActing, choosing: VoiceChoosing) -> None:
        self._acting = acting
        self._choosing = choosing

    @app_commands.command(description="List the voices there are, and hear them.")
    @app_commands.describe(search="A name, language or other word")
    @app_commands.guild_only()
    @app_commands.checks.cooldown(4, 20.0)
    async def voices(self, interaction: Interaction, search: str | None = None) -> None:
        """List the voices."""
        await self._choosing.show(interaction, search)

    @app_commands.command(name="set_voice", description="Choose how a character sounds.")
    @app_commands.describe(
        character="The character",
        voice="A voice; with nothing chosen at all, the character's own again.",
        speed="1 is as fast as usual",
        pitch="Semitones higher or lower",
        width="Whether it holds in this channel (your call's) alone or in the whole server.",
    )
    @app_commands.guild_only()
    async def set_voice(
        self,
        interaction: Interaction,
        character: str,
        voice: str | None = None,
        speed: _Speed | None = None,
        pitch: _Pitch | None = None,
        width: Literal["channel", "server"] = "channel",
    ) -> None:
        """Choose a voice."""
        choice = ChosenVoice(name=voice, speed=speed, pitch=pitch)
        await self._choosing.choose(interaction, character, choice, everywhere=width == "server")

    @set_voice.autocomplete("character")
    async def _characters(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await characters(interaction, typed)

    @set_voice.autocomplete("voice")
    async def _voices(
        self, _interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await self._choosing.suggestions(typed)

    @app_commands.command(description="Call me into your voice channel.")
    @app_commands.guild_only()
    @app_commands.checks.cooldown(4, 20.0)
    async def join(self, interaction: Interaction) -> None:
        """Join the asker's channel."""
        await self._acting.join(interaction, None)

    @app_commands.command(description="Send me out of the call.")
    @app_commands.guild_only()
    async def leave(self, interaction: Interaction) -> None:
        """Leave."""
        await self._acting.leave(interaction)

    @app_commands.command(description="Read a text aloud in the call.")
    @app_commands.describe(text="What to say")
    @app_commands.guild_only()
    @app_commands.checks.cooldown(6, 30.0)
    async def speak(
        self, interaction: Interaction, text: app_commands.Range[str, 1, _LONGEST]
    ) -> None:
        """Say it."""
        await self._acting.speak(interaction, text)

    @app_commands.command(name="stop_listening", description="Let me listen to nobody in the call.")
    @app_commands.guild_only()
    async def stop_listening(self, interaction: Interaction) -> None:
        """Listen no more."""
        await self._acting.unlisten(interaction)

    @app_commands.command(
        name="stt_status", description="Show how listening and speaking are doing."
    )
    @app_commands.guild_only()
    async def stt_status(self, interaction: Interaction) -> None:
        """Show how calls are doing."""
        await self._acting.status(interaction)


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    services = bot.services
    choosing = VoiceChoosing(bot, voices=services.voices(), library=services.library())
    await bot.add_cog(VoicesCog(acting=VoiceActing(bot), choosing=choosing))
