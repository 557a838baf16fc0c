"""Commands for calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.voice.call_news import CallNews
from frontends.discord.voice.voice_acting import VoiceActing

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

Interaction = discord.Interaction[Any]
Channel = discord.VoiceChannel
Switch = Literal["on", "off"]

_WHICH = "The voice channel; without, yours."
_LONGEST = 1_000


class VoiceCog(commands.Cog, name="Calls"):
    """Talking with characters in voice channels."""

    voice = app_commands.Group(
        name="voice", description="Talking with me in voice channels.", guild_only=True
    )

    def __init__(self, bot: AcoreBot) -> None:
        self._acting = VoiceActing(bot)

    @voice.command(description="Call me into your voice channel.")
    @app_commands.describe(channel="Another channel; for moderators.")
    @app_commands.checks.cooldown(4, 20.0)
    async def join(self, interaction: Interaction, channel: Channel | None = None) -> None:
        """Join."""
        await self._acting.join(interaction, channel)

    @voice.command(description="Send me out of the call.")
    async def leave(self, interaction: Interaction) -> None:
        """Leave."""
        await self._acting.leave(interaction)

    @voice.command(description="Let me go along with you from channel to channel, or no longer.")
    async def follow(self, interaction: Interaction) -> None:
        """Follow."""
        await self._acting.follow(interaction)

    @voice.command(description="Let me listen to the call, once everybody could read that.")
    async def listen(self, interaction: Interaction) -> None:
        """Listen."""
        await self._acting.listen(interaction)

    @voice.command(description="Let me listen to nobody.")
    async def unlisten(self, interaction: Interaction) -> None:
        """Listen no more."""
        await self._acting.unlisten(interaction)

    @voice.command(name="ignore-me", description="Never listen to me, in no call.")
    @app_commands.describe(ignore="off: listen to me again.")
    async def ignore_me(self, interaction: Interaction, ignore: Switch = "on") -> None:
        """Leave out whoever asks."""
        await self._acting.ignore(interaction, ignored=ignore == "on")

    @voice.command(description="Read a text aloud in the call.")
    @app_commands.describe(text="What to say")
    @app_commands.checks.cooldown(6, 30.0)
    async def speak(
        self, interaction: Interaction, text: app_commands.Range[str, 1, _LONGEST]
    ) -> None:
        """Say it."""
        await self._acting.speak(interaction, text)

    @voice.command(description="Let me fall silent now.")
    async def hush(self, interaction: Interaction) -> None:
        """Fall silent."""
        await self._acting.hush(interaction)

    @voice.command(description="Choose whether only moderators can interrupt me in this call.")
    @app_commands.describe(locked="on: only moderators; off: everybody.")
    async def lock(self, interaction: Interaction, locked: Switch) -> None:
        """Lock the floor, or unlock it."""
        await self._acting.lock(interaction, locked=locked == "on")

    @voice.command(description="Choose when I answer what is said in a call; for moderators.")
    @app_commands.describe(
        rule="Always, by name, or only to those who press a button", channel=_WHICH
    )
    async def wake(
        self,
        interaction: Interaction,
        rule: Literal["always", "by_name", "push_to_listen"],
        channel: Channel | None = None,
    ) -> None:
        """Choose the rule."""
        await self._acting.change(interaction, {"wake": rule}, channel)

    @voice.command(description="Choose whether I join a channel when somebody enters it.")
    @app_commands.describe(join="on: I join by myself.", channel=_WHICH)
    async def autojoin(
        self, interaction: Interaction, join: Switch, channel: Channel | None = None
    ) -> None:
        """Choose to join by itself."""
        await self._acting.change(interaction, {"autojoin": join}, channel)

    @voice.command(description="Choose after how many minutes alone I leave a channel.")
    @app_commands.describe(minutes="0 for never", channel=_WHICH)
    async def autoleave(
        self,
        interaction: Interaction,
        minutes: app_commands.Range[int, 0, 1440],
        channel: Channel | None = None,
    ) -> None:
        """Choose to leave by itself."""
        await self._acting.change(interaction, {"autoleave": str(minutes)}, channel)

    @voice.command(description="Show, or change, what holds for calls in a channel.")
    @app_commands.describe(
        captions="Write what is said into the chat of the channel.",
        aloud="Speak answers to what is typed there as well.",
        channel=_WHICH,
    )
    async def settings(
        self,
        interaction: Interaction,
        captions: Switch | None = None,
        aloud: Switch | None = None,
        channel: Channel | None = None,
    ) -> None:
        """Show or change the settings."""
        await self._acting.change(interaction, {"captions": captions, "aloud": aloud}, channel)

    @voice.command(description="Show how listening and speaking are doing.")
    async def status(self, interaction: Interaction) -> None:
        """Show how calls are doing."""
        await self._acting.status(interaction)


async def setup(bot: AcoreBot) -> None:
    """Add the commands, and what calls have to hear of."""
    await bot.add_cog(CallNews(bot))
    await bot.add_cog(VoiceCog(bot))
