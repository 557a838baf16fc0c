"""Every character speaks with its own name and picture, where the channel allows it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import TypeVar

import discord

from frontends.discord.places import Place, WebhookChannel
from frontends.discord.portraits import Portraits
from frontends.discord.posting import (
    Face,
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
_PATIENCE = 8.0

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
        if webhook is None:
            return self._own(place, name)
        return await self._dressed(webhook, place, persona, name)

    async def holding(
        self, place: Place, persona: Persona | None, name: str, *, webhook: int | None
    ) -> Face | None:
        """Return who can change what ``webhook`` posted, or what the bot itself did without one.

        ``None`` when nobody can any more: the webhook is gone or out of reach.
        """
        if webhook is None:
            return self._own(place, name)
        found = await self._webhook(place)
        if found is None or found.id != webhook:
            return None
        return await self._dressed(found, place, persona, name)

    def forget(self, place: Place) -> None:
        """Look for the webhook anew; it is gone."""
        if place.parent is not None:
            self._webhooks.pop(place.parent.id, None)

    def forget_channel(self, channel: int) -> None:
        """Look anew at a channel whose webhooks or permissions have changed."""
        self._webhooks.pop(channel, None)
        self._denied.pop(channel, None)

    def forget_refusals(self, channel: int | None = None) -> None:
        """Ask again for a webhook that was refused in a channel, or anywhere."""
        if channel is None:
            self._denied.clear()
        else:
            self._denied.pop(channel, None)

    def _own(self, place: Place, name: str) -> OwnFace:
        me = self._client.user
        if me is None or name.casefold() == me.display_name.casefold():
            return OwnFace(place.channel)
        shown = shown_name(name, taken=self._taken(place))[:_LONGEST_LEAD]
        lead = f"**{discord.utils.escape_markdown(shown)}:** "
        return OwnFace(place.channel, lead=lead)

    async def _dressed(
        self, webhook: discord.Webhook, place: Place, persona: Persona | None, name: str
    ) -> WebhookFace:
        shown = shown_name(name, taken=self._taken(place))
        url = await self._portraits.url(persona) if persona is not None else None
        return WebhookFace(webhook, name=shown, avatar_url=url, thread=place.thread)

    async def _webhook(self, place: Place) -> discord.Webhook | None:
        channel = place.parent
        if not self._enabled or channel is None:
            return None
        known = self._webhooks.get(channel.id)
        if known is not None:
            self._webhooks.move_to_end(channel.id)
            return known
        if not channel.permissions_for(channel.guild.me).manage_webhooks:
            return None
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

    async def _found_or_made(self, channel: WebhookChannel) -> discord.Webhook | None:
        me = self._client.user
        try:
            async with translated(), asyncio.timeout(_PATIENCE):
                for webhook in await channel.webhooks():
                    ours = webhook.user is not None and me is not None and webhook.user.id == me.id
                    if ours and webhook.token:
                        return webhook
                return await channel.create_webhook(name=_WEBHOOK, reason="Faces of characters")
        except PostingFailed as error:
            logger.info("no webhook here", extra={"code": error.code, "channel": channel.id})
            return None

    def _lock(self, channel: int) -> asyncio.Lock:
        lock = self._locks.get(channel)
        if lock is None:
            lock = self._locks[channel] = asyncio.Lock()
            if len(self._locks) > _MOST_CHANNELS:
                self._locks.popitem(last=False)
        return lock


class HeldFace:
    """Says who changes an answer that stands: ``face`` for as long as it can, then anew."""

    def __init__(self, face: Face | None, faces: Faces) -> None:
        self._face = face
        self._faces = faces

    async def of(self, place: Place, persona: Persona | None, name: str) -> Face:
        """Return who speaks for ``persona``, called ``name``, in a place."""
        if self._face is not None:
            return self._face
        return await self._faces.of(place, persona, name)

    def forget(self, place: Place) -> None:
        """Look for the webhook anew; it is gone."""
        self._face = None
        self._faces.forget(place)


def _keep(kept: OrderedDict[int, T], key: int, value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST_CHANNELS:
        kept.popitem(last=False)
