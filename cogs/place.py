"""Commands for what holds in a channel or server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands
from discord.ext import commands

from frontends.discord.ambient import AmbientSwitch
from frontends.discord.asking import answer, asked
from frontends.discord.model_names import model_names
from frontends.discord.paging import show_pages
from frontends.discord.setting_views import (
    LISTENING,
    NOT_LISTENING,
    Choices,
    SettingSuggestions,
    chosen_line,
    overview_pages,
)
from services.conversation.places import PlaceSettings
from services.people.scopes import ScopeKind

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

Width = Literal["channel", "server"]
_WIDTHS = {"channel": ScopeKind.CHANNEL, "server": ScopeKind.GUILD}
_DESCRIBED = {
    "name": "The setting.",
    "width": "Whether it holds in this channel (or thread) alone or in the whole server.",
}


class PlaceCog(commands.Cog, name="Places"):
    """What holds in a channel or server, and who changes it."""

    settings = app_commands.Group(name="settings", description="What holds in this place.")
    ambient = app_commands.Group(name="ambient", description="Joining in unasked.")

    def __init__(self, *, places: PlaceSettings, suggestions: SettingSuggestions) -> None:
        self._places = places
        self._suggestions = suggestions
        self._ambient = AmbientSwitch(places)

    async def _change(
        self, interaction: discord.Interaction, name: str, text: str | None, width: Width
    ) -> str:
        who = await asked(interaction)
        chosen = await self._places.change(
            who.conversation, name, text, width=_WIDTHS[width], by=who.author, role=who.here
        )
        return chosen_line(chosen)

    @settings.command(name="show", description="Show every setting of this place.")
    async def show(self, interaction: discord.Interaction) -> None:
        """Show every setting and where it was chosen."""
        who = await asked(interaction)
        chosen = await self._places.overview(who.conversation)
        await show_pages(interaction, overview_pages(self._places.listed(), chosen))

    @settings.command(name="set", description="Change a setting of this place.")
    @app_commands.describe(value="What to choose.", **_DESCRIBED)
    async def set_value(
        self,
        interaction: discord.Interaction,
        name: str,
        value: app_commands.Range[str, 1, 4000],
        width: Width = "channel",
    ) -> None:
        """Change a setting."""
        await answer(interaction, await self._change(interaction, name, value, width))

    @settings.command(name="clear", description="Forget what was chosen, so that wider ones hold.")
    @app_commands.describe(**_DESCRIBED)
    async def clear(
        self, interaction: discord.Interaction, name: str, width: Width = "channel"
    ) -> None:
        """Forget a choice."""
        await answer(interaction, await self._change(interaction, name, None, width))

    @set_value.autocomplete("name")
    @clear.autocomplete("name")
    async def _names(self, _interaction: discord.Interaction, typed: str) -> Choices:
        return self._suggestions.names(typed)

    @set_value.autocomplete("value")
    async def _values(self, interaction: discord.Interaction, typed: str) -> Choices:
        name = str(interaction.namespace.name or "")
        return await self._suggestions.values(name, typed, interaction.guild)

    @app_commands.command(description="Let all characters keep silent here.")
    @app_commands.describe(width=_DESCRIBED["width"])
    async def mute(self, interaction: discord.Interaction, width: Width = "channel") -> None:
        """Silence every character."""
        await self._change(interaction, "muted", "on", width)
        await answer(interaction, "All characters keep silent here; /unmute ends it.")

    @app_commands.command(description="Let characters speak here again.")
    @app_commands.describe(width=_DESCRIBED["width"])
    async def unmute(self, interaction: discord.Interaction, width: Width = "channel") -> None:
        """End the silence."""
        await answer(interaction, await self._change(interaction, "muted", "off", width))

    @app_commands.command(description="Choose whether all messages are read here.")
    @app_commands.describe(messages="on: every message; off: only those meant for a character.")
    @app_commands.guild_only()
    async def listen(
        self, interaction: discord.Interaction, messages: Literal["on", "off"]
    ) -> None:
        """Read everything here, or only what is meant for a character."""
        await self._change(interaction, "listen", messages, "channel")
        await answer(interaction, LISTENING if messages == "on" else NOT_LISTENING)

    @ambient.command(name="status", description="Show whether characters join in unasked here.")
    async def status(self, interaction: discord.Interaction) -> None:
        """Show how it stands."""
        who = await asked(interaction)
        await answer(interaction, await self._ambient.status(who.conversation))

    @ambient.command(name="enable", description="Let characters join in unasked here.")
    @app_commands.describe(chance="How likely that is for a message, such as 5%.")
    async def enable(self, interaction: discord.Interaction, chance: str | None = None) -> None:
        """Let characters join in."""
        who = await asked(interaction)
        enable = self._ambient.enable(who.conversation, chance, by=who.author, role=who.here)
        await answer(interaction, await enable)

    @ambient.command(name="disable", description="Let nobody join in unasked here.")
    async def disable(self, interaction: discord.Interaction) -> None:
        """Let nobody join in."""
        who = await asked(interaction)
        disable = self._ambient.disable(who.conversation, by=who.author, role=who.here)
        await answer(interaction, await disable)


async def setup(bot: AcoreBot) -> None:
    """Add the commands."""
    places, names = bot.services.places(), model_names(bot)
    suggestions = SettingSuggestions(places, library=bot.services.library(), models=names.offered)
    await bot.add_cog(PlaceCog(places=places, suggestions=suggestions))
