"""What commands offer while somebody types a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from frontends.discord.asking import asked
from frontends.discord.places import place_of
from services.domain.errors import AcoreError, NotAllowed
from services.persona.character import Persona

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Typing = discord.Interaction[AcoreBot]

MOST = 25
"""Choices Discord takes."""

_LONGEST = 100
_MESSAGES = 50

Named = tuple[str, str]
"""What is shown and what is given to the command."""


def ranked(typed: str, named: Iterable[Named]) -> list[app_commands.Choice[str]]:
    """Return what fits ``typed``: what begins with it first, then what holds it, 25 at most."""
    wanted = typed.strip().casefold()
    first, later = [], []
    for name, value in named:
        if len(value) > _LONGEST:
            continue
        known = f"{name}\n{value}".casefold()
        choice = app_commands.Choice(name=name[:_LONGEST] or value, value=value)
        if any(part.startswith(wanted) for part in known.split("\n")):
            first.append(choice)
        elif wanted in known:
            later.append(choice)
        if len(first) == MOST:
            break
    return [*first, *later][:MOST]


async def characters(interaction: Typing, typed: str) -> list[app_commands.Choice[str]]:
    """Offer every character."""
    return ranked(typed, _named(interaction.client.services.library().all()))


async def characters_here(interaction: Typing, typed: str) -> list[app_commands.Choice[str]]:
    """Offer the characters that may speak where somebody types."""
    place = place_of(interaction.channel, interaction.guild)
    adults = place is not None and place.adults
    known = interaction.client.services.library().all()
    return ranked(typed, _named(one for one in known if adults or not one.adult))


async def scene_members(interaction: Typing, typed: str) -> list[app_commands.Choice[str]]:
    """Offer those who take part in the scene."""
    place = place_of(interaction.channel, interaction.guild)
    if place is None:
        return []
    cast = await interaction.client.services.conversations().scene(place.conversation)
    return ranked(typed, _named(cast.members))


async def message_numbers(interaction: Typing, typed: str) -> list[app_commands.Choice[int]]:
    """Offer the last messages by number and first words, the newest first."""
    try:
        who = await asked(interaction)
    except AcoreError:
        return []
    if not may_read(interaction):
        return []
    conversations = interaction.client.services.conversations()
    entries = await conversations.recent(who.conversation, _MESSAGES)
    found = [
        (f"#{one.ordinal} {one.message.author.display_name}: {' '.join(one.text.split())}", one)
        for one in reversed(entries)
    ]
    wanted = str(typed).strip().casefold()
    return [
        app_commands.Choice(name=label[:_LONGEST], value=one.ordinal)
        for label, one in found
        if wanted in label.casefold()
    ][:MOST]


def may_read(interaction: Typing) -> bool:
    """Tell whether somebody may read what was said in the channel before."""
    return interaction.guild_id is None or interaction.permissions.read_message_history


def need_reading(interaction: Typing) -> None:
    """Raise ``NotAllowed`` for somebody who may not read what was said in the channel before."""
    if not may_read(interaction):
        raise NotAllowed("history_permission", "You may not read the history of this channel.")


def _named(personas: Iterable[Persona]) -> Iterable[Named]:
    return ((one.name, one.slug) for one in personas)
