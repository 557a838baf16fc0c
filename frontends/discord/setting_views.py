"""How the settings of a place are shown and offered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from zoneinfo import available_timezones

import discord
from discord import app_commands

from frontends.discord.choosing import ranked
from frontends.discord.paging import bundled
from services.conversation.place_settings import PlaceSetting, ValueKind
from services.conversation.places import Chosen, PlaceSettings, Where
from services.domain.errors import NotFound
from services.persona.library import CharacterLibrary

_LONGEST_VALUE = 120
_LONGEST_PAGE = 1000

Choices = list[app_commands.Choice[str]]

LISTENING = (
    "Listening is on: every message of this channel reaches me, so that names, keywords and "
    "joining in work. A message that is meant for nobody is kept in memory for an hour at most "
    "and stored nowhere, unless the setting `remember` is on. /listen off ends it."
)
NOT_LISTENING = (
    "Listening is off: only messages that mention me, reply to a character or come as a command "
    "are read here."
)

_WHERE = {
    Where.THREAD: "this thread",
    Where.CHANNEL: "this channel",
    Where.SERVER: "this server",
    Where.EVERYWHERE: "everywhere",
    Where.DEFAULT: "default",
}


def overview_pages(settings: Iterable[PlaceSetting], chosen: Iterable[Chosen]) -> list[str]:
    """Return every setting on pages: its value, where that was chosen, what it is for."""
    about = {setting.name: setting.description for setting in settings}
    blocks = (
        f"**{one.name}**: {shown_value(one.shown)} ({_WHERE[one.where]})\n-# {about[one.name]}"
        for one in chosen
    )
    return bundled(blocks, longest=_LONGEST_PAGE)


def shown_value(text: str) -> str:
    """Return a value on one line, as text and nothing else."""
    flat = discord.utils.escape_markdown(" ".join(text.split()))
    return flat if len(flat) <= _LONGEST_VALUE else f"{flat[:_LONGEST_VALUE]}…"


def chosen_line(chosen: Chosen) -> str:
    """Return what holds after a change."""
    return f"**{chosen.name}** is now {shown_value(chosen.shown)} ({_WHERE[chosen.where]})."


class SettingSuggestions:
    """Offers names of settings and, by what each takes, their values."""

    def __init__(
        self,
        places: PlaceSettings,
        *,
        library: CharacterLibrary,
        models: Callable[[], Awaitable[Sequence[str]]],
    ) -> None:
        self._places = places
        self._library = library
        self._models = models

    def names(self, typed: str) -> Choices:
        """Offer names of settings."""
        return _fitting(typed, [setting.name for setting in self._places.listed()])

    async def values(self, name: str, typed: str, guild: discord.Guild | None) -> Choices:
        """Offer values of the setting called ``name``; nothing where anything may be written."""
        try:
            setting = self._places.find(name)
        except NotFound:
            return []
        match setting.kind:
            case ValueKind.PERSONA:
                return ranked(typed, [(one.name, one.slug) for one in self._library.all()])
            case ValueKind.MODEL:
                return _fitting(typed, await self._models())
            case ValueKind.TIMEZONE:
                return _fitting(typed, sorted(await asyncio.to_thread(available_timezones)))
            case ValueKind.SET:
                return _next_of_set(setting.options(), typed)
        if setting.name == "admin_roles" and guild is not None:
            roles = [one for one in guild.roles if not one.is_default()]
            return ranked(typed, [(role.name, str(role.id)) for role in roles])
        return _fitting(typed, setting.options())


def _next_of_set(options: Sequence[str], typed: str) -> Choices:
    """Offer what may follow the words that are typed already."""
    before, comma, last = typed.rpartition(",")
    taken = [word.strip() for word in before.split(",")] if comma else []
    lead = ", ".join(taken) + ", " if taken else ""
    fitting = _fitting(last, [one for one in options if one not in taken])
    return _fitting("", [f"{lead}{one.value}" for one in fitting])


def _fitting(typed: str, names: Iterable[str]) -> Choices:
    return ranked(typed, [(name, name) for name in names])
