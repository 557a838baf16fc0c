"""The text chat of a voice channel, as far as the bot itself writes there of a call."""

from __future__ import annotations

import logging

import discord

from frontends.discord.pacing import Pacing
from frontends.discord.places import Place, may_write
from frontends.discord.posting import OwnFace, PostingFailed

logger = logging.getLogger(__name__)


class CallChat:
    """Posts at the pace that Discord allows; what cannot be posted is left out and logged."""

    def __init__(self, place: Place, pacing: Pacing) -> None:
        self._place = place
        self._face = OwnFace(place.channel)
        self._pacing = pacing

    @property
    def writable(self) -> bool:
        """Whether the bot may write there."""
        return may_write(self._place, webhooks=False)

    @property
    def until_step(self) -> float:
        """The seconds to wait before a message that grows is changed again."""
        return self._pacing.until_step(self._face.editing)

    async def post(self, text: str, *, view: discord.ui.View | None = None) -> int | None:
        """Post a message and return its id; ``None`` when it was not taken."""
        if not self.writable:
            return None
        await self._pacing.free(self._face.sending)
        try:
            return await self._face.send(text, view=view)
        except PostingFailed as error:
            logger.info("the chat of a call took nothing", extra={"code": error.code})
            return None

    async def edit(self, message: int, text: str, *, view: discord.ui.View | None = None) -> bool:
        """Change a message; ``False`` when that was not taken."""
        await self._pacing.free(self._face.editing)
        try:
            await self._face.edit(message, text, view=view)
        except PostingFailed as error:
            logger.info("the chat of a call took no change", extra={"code": error.code})
            return False
        return True

    async def delete(self, message: int) -> None:
        """Take a message away."""
        await self._pacing.free(self._face.sending)
        try:
            await self._face.delete(message)
        except PostingFailed as error:
            logger.info("a message could not be taken away", extra={"code": error.code})
