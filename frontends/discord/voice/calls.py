"""The bot's calls: at most one in each server."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import discord

from frontends.discord.places import Place, account, in_guild
from frontends.discord.voice.presence import Admission, CallChannel
from frontends.discord.voice.voice_text import NOWHERE, OFF
from services.domain.errors import AcoreError, ConfigurationError, InvalidRequest, StorageError
from services.domain.ids import ConversationId
from services.domain.people import Author
from services.domain.replies import Delivery

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot
    from frontends.discord.voice.call_parts import Connect, Link
    from frontends.discord.voice.held_call import HeldCall
    from services.voice.service import VoiceService

logger = logging.getLogger(__name__)

_MODULES = (
    "frontends.discord.voice.held_call",
    "frontends.discord.voice.link",
    "services.voice.engines.registry",
)
_MOST_MACHINES = 1_000
_NO_PACKAGE = (
    "I cannot join calls: a package for them is missing; `main.py doctor` says how to install it."
)


class Calls:
    """Joins, leaves and follows, as people ask for it and as places have chosen.

    ``minute`` is in seconds; ``connect`` joins a channel, by default for real. Nothing of it is
    loaded before somebody calls.
    """

    def __init__(
        self, bot: AcoreBot, *, connect: Connect | None = None, minute: float = 60.0
    ) -> None:
        self._bot = bot
        self._connect = connect or self._join_for_real
        self._minute = minute
        self._held: dict[int, HeldCall] = {}
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._machines: OrderedDict[int, None] = OrderedDict()
        self._dismissed: dict[int, int] = {}
        self._closed = False
        self._loaded = False
        self.admission = Admission(bot)

    def check(self) -> None:
        """Raise ``InvalidRequest`` where voice is switched off."""
        if not self._bot.services.settings().voice.enabled:
            raise InvalidRequest("voice_off", OFF)

    async def service(self) -> VoiceService:
        """Return what holds calls, loaded if need be.

        Raises ``InvalidRequest`` where voice is switched off, ``ConfigurationError`` where a
        package is missing.
        """
        self.check()
        if not self._loaded:
            try:
                await asyncio.to_thread(_load)
            except ImportError as error:
                raise ConfigurationError("voice_packages", _NO_PACKAGE) from error
            self._loaded = True
        return self._bot.services.voice()

    def find(self, guild: int) -> HeldCall | None:
        """Return the call in a server."""
        return self._held.get(guild)

    def here(self, guild: int) -> HeldCall:
        """Return the call in a server.

        Raises ``InvalidRequest`` when there is none, or voice is switched off.
        """
        self.check()
        found = self.find(guild)
        if found is None or found.call is None:
            raise InvalidRequest("voice_nowhere", NOWHERE)
        return found

    async def typed(self, conversation: ConversationId, delivery: Delivery) -> Delivery:
        """Return how something typed is answered: spoken as well, where the place wants that."""
        if not self._on(conversation):
            return delivery
        if not (await self._bot.services.places().of(conversation)).aloud:
            return delivery
        return (await self.service()).aloud(conversation, delivery)

    async def unasked(
        self, conversation: ConversationId, delivery: Delivery | None
    ) -> Delivery | None:
        """Return how something is said that nobody asked for: in a call, it is spoken as well."""
        if not self._on(conversation):
            return delivery
        return (await self.service()).aloud(conversation, delivery)

    async def join(self, channel: CallChannel) -> HeldCall:
        """Join a channel, from another one of the server if need be.

        Raises ``AcoreError`` with the reason why that cannot be.
        """
        voice, guild = await self.service(), channel.guild.id
        from frontends.discord.voice.call_parts import (  # noqa: PLC0415  loaded for callers alone
            CallParts,
        )
        from frontends.discord.voice.held_call import HeldCall  # noqa: PLC0415

        async with self._lock(guild):
            held = self.find(guild)
            if held is not None and held.leaving:
                await held.ended.wait()
                held = None
            self._dismissed.pop(guild, None)
            if held is not None:
                if held.channel.id != channel.id:
                    await held.move(channel)
                return held
            if self._closed:
                raise InvalidRequest("voice_closing", "I am leaving; try again when I am back.")
            parts = CallParts(
                bot=self._bot,
                voice=voice,
                admission=self.admission,
                connect=self._connect,
                minute=self._minute,
            )
            held = HeldCall(parts, channel, over=partial(self._over, guild))
            self._held[guild] = held
            try:
                await held.open()
            except BaseException:
                self._over(guild, held)
                raise
            logger.info("a call was joined", extra={"guild": guild, "channel": channel.id})
            return held

    async def dismiss(self, held: HeldCall) -> None:
        """Leave because people said so, and stay away as long as they are there."""
        channel = held.channel
        self._dismissed[channel.guild.id] = channel.id
        await held.leave()

    async def close(self) -> None:
        """Leave every call, and join none any more."""
        self._closed = True
        async with asyncio.TaskGroup() as group:
            for held in tuple(self._held.values()):
                group.create_task(held.leave())

    # -- what Discord tells

    async def voice_state_changed(
        self, member: discord.Member, before: discord.VoiceState, after: discord.VoiceState
    ) -> None:
        """Heed that somebody came, left, or moved, the bot itself included."""
        held = self.find(member.guild.id)
        if member.id == self._bot.user.id:
            if held is not None and after.channel is not None:
                held.moved(after.channel)
                held.silenced(before, after)
            return
        if member.bot:
            self._machines[member.id] = None
            if len(self._machines) > _MOST_MACHINES:
                self._machines.popitem(last=False)
        if _same(before.channel, after.channel):
            return
        if held is not None:
            await self._heed(held, member, after.channel)
        elif after.channel is not None and not member.bot:
            await self._join_by_itself(after.channel, newcomer=member.id)

    def channel_deleted(self, channel: discord.abc.GuildChannel) -> None:
        """Leave a channel that is gone."""
        held = self.find(channel.guild.id)
        if held is not None and held.channel.id == channel.id:
            self._bot.supervisor.start("leaving a call", held.leave)

    def guild_left(self, guild: int) -> None:
        """Leave a server that the bot is in no more."""
        self._dismissed.pop(guild, None)
        held = self.find(guild)
        if held is not None:
            self._bot.supervisor.start("leaving a call", held.leave)

    async def rejoin(self) -> None:
        """Join the channels that are to be joined by themselves and have people in them."""
        for guild in self._bot.guilds:
            for channel in guild.voice_channels:
                stays_away = self._dismissed.get(guild.id) == channel.id
                if channel.voice_states and not stays_away and self.find(guild.id) is None:
                    await self._join_by_itself(channel)

    # -- inside

    async def _heed(self, held: HeldCall, member: discord.Member, now: CallChannel | None) -> None:
        inside = now is not None and now.id == held.channel.id
        if inside:
            await held.presence.enter(member)
        else:
            held.gone(account(member.id))
            if now is not None and held.followed == member.id:
                await self._follow(held, now)

    async def _follow(self, held: HeldCall, channel: CallChannel) -> None:
        try:
            await held.move(channel)
        except AcoreError as error:
            logger.info("somebody could not be followed", extra={"code": error.code})

    async def _join_by_itself(self, channel: CallChannel, *, newcomer: int | None = None) -> None:
        """Join a channel that has chosen that, when the first person enters it."""
        place = in_guild(channel)
        wanted = self._bot.services.settings().voice.enabled and not self._closed
        if not wanted or not await self._joins(place):
            return
        others = set(channel.voice_states) - {newcomer, self._bot.user.id, *self._machines}
        if others and newcomer is not None:
            return
        try:
            await self.join(channel)
        except AcoreError as error:
            logger.warning("a call was not joined", extra={"code": error.code})

    async def _joins(self, place: Place) -> bool:
        try:
            rules = await self._bot.services.places().of(place.conversation)
        except StorageError as error:
            logger.warning("a rule could not be read", extra={"code": error.code})
            return False
        return rules.autojoin and not rules.muted

    def _on(self, conversation: ConversationId) -> bool:
        """Tell whether a call is on in a conversation."""
        return any(
            held.call is not None and str(held.channel.id) == conversation.channel
            for held in self._held.values()
        )

    def _lock(self, guild: int) -> asyncio.Lock:
        return self._locks.setdefault(guild, asyncio.Lock())

    def _over(self, guild: int, held: HeldCall) -> None:
        if self._held.get(guild) is held:
            del self._held[guild]

    async def _join_for_real(
        self, channel: CallChannel, author_of: Callable[[int], Author | None]
    ) -> Link:
        from frontends.discord.voice.link import VoiceLink  # noqa: PLC0415  needs davey

        services = self._bot.services
        return await VoiceLink.connect(
            channel, author_of=author_of, clock=services.clock(), metrics=services.metrics()
        )


def _load() -> None:
    """Import what calls need, which takes a moment; blocking."""
    for module in _MODULES:
        importlib.import_module(module)


def _same(before: CallChannel | None, after: CallChannel | None) -> bool:
    return (before and before.id) == (after and after.id)
