"""Every character speaks with its own name and picture, where the channel allows it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import TypeVar

import discord

from frontends.discord.places import Place
from frontends.discord.portraits import Portraits
from frontends.discord.posting import (
    Face,
    Obstacle,
    OwnFace,
    PostingFailed,
    WebhookFace,
    translated,
)
from services.persona.character import Persona
from services.persona.impersonation import shown_name

logger = logging.getLogger(__name__)

_WEBHOOK = "acore"
_MOST_CHANNELS = 2_000
_LONGEST_LEAD = 80
_DENIED_SECONDS = 300.0

T = TypeVar("T")


class Faces:
    """Finds or makes the one webhook of ours in a channel; without it the bot itself speaks.

    A webhook counts as ours only when this bot made it, whatever its name is.
    """

    def __init__(
        self,
        client: discord.Client,
        portraits: Portraits,
        *,
        enabled: bool,
        taken: Callable[[Place], Collection[str]],
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._portraits = portraits
        self._enabled = enabled
        self._taken = taken
        self._monotonic = monotonic
        self._webhooks: OrderedDict[int, discord.Webhook] = OrderedDict()
        self._denied: OrderedDict[int, float] = OrderedDict()
        self._locks: OrderedDict[int, asyncio.Lock] = OrderedDict()

    async def of(self, place: Place, persona: Persona | None, name: str) -> Face:
        """Return who speaks for ``persona``, called ``name``, in a place."""
        webhook = await self._webhook(place) if persona is not None else None
        shown = shown_name(name, taken=self._taken(place))
        if webhook is None:
            return OwnFace(place.channel, lead=self._lead(place, name))
        url = await self._portraits.url(persona) if persona is not None else None
        return WebhookFace(webhook, name=shown, avatar_url=url, thread=place.thread)

    def forget(self, place: Place) -> None:
        """Look for the webhook anew; it is gone."""
        if place.parent is not None:
            self._webhooks.pop(place.parent.id, None)

    def forget_channel(self, channel: int) -> None:
        """Look anew at a channel whose webhooks or permissions have changed."""
        self._webhooks.pop(channel, None)
        self._denied.pop(channel, None)

    def _lead(self, place: Place, name: str) -> str:
        me = self._client.user
        if me is None or name.casefold() == me.display_name.casefold():
            return ""
        return f"**{discord.utils.escape_markdown(name[:_LONGEST_LEAD])}:** "

    async def _webhook(self, place: Place) -> discord.Webhook | None:
        channel = place.parent
        if not self._enabled or channel is None:
            return None
        known = self._webhooks.get(channel.id)
        if known is not None:
            self._webhooks.move_to_end(channel.id)
            return known
        denied = self._denied.get(channel.id)
        if denied is not None and self._monotonic() - denied < _DENIED_SECONDS:
            return None
        async with self._lock(channel.id):
            if channel.id in self._webhooks:
                return self._webhooks[channel.id]
            found = await self._found_or_made(channel)
            if found is None:
                _keep(self._denied, channel.id, self._monotonic())
            else:
                _keep(self._webhooks, channel.id, found)
            return found

    async def _found_or_made(
        self, channel: discord.TextChannel | discord.ForumChannel | discord.VoiceChannel
    ) -> discord.Webhook | None:
        if not channel.permissions_for(channel.guild.me).manage_webhooks:
            return None
        me = self._client.user
        try:
            async with translated():
                for webhook in await channel.webhooks():
                    ours = webhook.user is not None and me is not None and webhook.user.id == me.id
                    if ours and webhook.token:
                        return webhook
                return await channel.create_webhook(name=_WEBHOOK, reason="Faces of characters")
        except PostingFailed as error:
            if error.obstacle is Obstacle.UNREACHABLE:
                raise
            logger.info("no webhook here", extra={"code": error.code, "channel": channel.id})
            return None

    def _lock(self, channel: int) -> asyncio.Lock:
        lock = self._locks.get(channel)
        if lock is None:
            lock = self._locks[channel] = asyncio.Lock()
            if len(self._locks) > _MOST_CHANNELS:
                self._locks.popitem(last=False)
        return lock


def _keep(kept: OrderedDict[int, T], key: int, value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST_CHANNELS:
        kept.popitem(last=False)
